/**
 * Building blocks every architecture shares, with weights in PyTorch's layouts and images as NHWC. Plain tfjs-core ops but for
 * two kernels (LayerNormalization, Gelu) that only the graph backend has; other backends compute the same from tfjs ops.
 */

import * as tf from '@tensorflow/tfjs-core';
import './tfjs.ts';

type Gradient<T extends tf.Tensor> = Parameters<typeof tf.customGrad<T>>[0];

/** True when the active backend has a kernel of ours. */
const has = (kernel: string): boolean => tf.getKernel(kernel, tf.getBackend()) !== undefined;

const lastAxis = (x: tf.Tensor): number => x.shape[x.rank - 1] ?? 1;

/** `x[..., in] · weightᵀ + bias`, weight `(out, in)`, bias `(out)`. */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const rows = x.reshape<tf.Tensor2D>([-1, lastAxis(x)]);
  const y = tf.fused.matMul({ a: rows, b: weight as tf.Tensor2D, transposeB: true, ...(bias ? { bias } : {}) });
  return y.reshape([...x.shape.slice(0, -1), weight.shape[0] ?? 1]);
}

/**
 * Normalises over the last axis (biased variance), then scales and shifts: `scale`, `bias` of that axis' length. Counted from its
 * first element, which changes nothing, a row that varies little around a large mean keeps its digits (goldens `ln.*`).
 */
export function layerNorm(x: tf.Tensor, scale: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor {
  const f = tf.customGrad(((input: tf.Tensor, scale: tf.Tensor, bias: tf.Tensor, save: tf.GradSaveFunc) => {
    const first = input.slice(Array(input.rank).fill(0), [...input.shape.slice(0, -1), 1]);
    const x = input.sub(first);
    const [y, mean, inverseDeviation] = normalise(x, scale, bias, epsilon);
    save([x, scale, mean, inverseDeviation]);
    return { value: y, gradFunc: layerNormGradient };
  }) as Gradient<tf.Tensor>);
  return f(x, scale, bias);
}

function normalise(
  x: tf.Tensor,
  scale: tf.Tensor,
  bias: tf.Tensor,
  epsilon: number,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  if (has('LayerNormalization'))
    return tf.engine().runKernel('LayerNormalization', { x, scale, bias }, { epsilon }) as unknown as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
  const { mean, variance } = tf.moments(x, -1, true);
  const inverseDeviation = tf.rsqrt(variance.add(epsilon));
  return [x.sub(mean).mul(inverseDeviation).mul(scale).add(bias), mean, inverseDeviation];
}

/** With n = (x - mean)/deviation and g = dy·scale: dx = (g - n·mean(g·n) - mean(g))/deviation, means over the last axis. */
function layerNormGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [x, scale, mean, inverseDeviation] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const leading = [...Array(x.rank - 1).keys()];
  const normal = x.sub(mean).mul(inverseDeviation);
  const g = dy.mul(scale);
  const dx = g
    .sub(normal.mul(g.mul(normal).mean(-1, true)))
    .sub(g.mean(-1, true))
    .mul(inverseDeviation);
  return [dx, dy.mul(normal).sum(leading), dy.sum(leading)];
}

/** Exact GELU: x·Φ(x). */
export function gelu(x: tf.Tensor): tf.Tensor {
  return geluWithGradient(x);
}

/** With u = x/√2: gelu'(x) = (erf u)/2 + 1/2 + u·exp(-u²)/√π. */
const geluWithGradient = tf.customGrad(((x: tf.Tensor, save: tf.GradSaveFunc) => {
  const value = has('Gelu')
    ? (tf.engine().runKernel('Gelu', { x }) as tf.Tensor)
    : x.mul(tf.erf(x.mul(Math.SQRT1_2)).add(1)).mul(0.5);
  save([x]);
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
    const u = (saved[0] as tf.Tensor).mul(Math.SQRT1_2);
    const bell = tf.exp(tf.scalar(-Math.log(Math.PI) / 2).sub(u.mul(u)));
    return dy.mul(tf.erf(u).mul(0.5).add(0.5).add(u.mul(bell)));
  };
  return { value, gradFunc };
}) as Gradient<tf.Tensor>);

/** Depthwise convolution, stride 1, zero padding that keeps the size: x `(N,H,W,C)`, weight `(C,1,kh,kw)`, bias `(C)`. */
export function depthwiseConv(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  return tf.fused.depthwiseConv2d({
    x: x as tf.Tensor4D,
    filter: weight.transpose<tf.Tensor4D>([2, 3, 0, 1]),
    strides: 1,
    pad: 'same',
    ...(bias ? { bias } : {}),
  });
}

/**
 * Convolution with non-overlapping square patches (kernel = stride = k): x `(N,H,W,C)`, weight `(out,C,k,k)`, bias `(out)`
 * give `(N,⌊H/k⌋,⌊W/k⌋,out)`; rows and columns past the last whole patch are left out, as a strided convolution does.
 */
export function patchify(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const [n, height, width, channels] = x.shape as [number, number, number, number];
  const [out, , k] = weight.shape as [number, number, number];
  const [rows, columns] = [Math.floor(height / k), Math.floor(width / k)];
  const whole =
    rows * k === height && columns * k === width ? x : x.slice([0, 0, 0, 0], [n, rows * k, columns * k, channels]);
  const patches = whole
    .reshape([n, rows, k, columns, k, channels])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([n, rows, columns, k * k * channels]);
  return linear(patches, weight.transpose([0, 2, 3, 1]).reshape([out, k * k * channels]), bias);
}

/** Mean softmax cross-entropy of logits `(N,K)` against class indices `(N)` int32; a scalar. */
export function crossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  const [count, classes] = logits.shape as [number, number];
  const f = tf.customGrad(((logits: tf.Tensor, save: tf.GradSaveFunc) => {
    const target = tf.oneHot(labels as tf.Tensor1D, classes).cast('float32');
    const logProbabilities = tf.logSoftmax(logits);
    save([logProbabilities, target]);
    return {
      value: logProbabilities
        .mul(target)
        .sum()
        .mul(-1 / count),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [logProbabilities, target] = saved as [tf.Tensor, tf.Tensor];
        return logProbabilities
          .exp()
          .sub(target)
          .mul(dy.mul(1 / count));
      },
    };
  }) as Gradient<tf.Tensor>);
  return f(logits) as tf.Scalar;
}
