/** Dense convolution (NHWC) and its gradients: non-overlapping patches become a matrix product, the rest an NCHW Conv. */

import type { Conv2DAttrs, Conv2DBackpropFilterAttrs, Conv2DBackpropInputAttrs } from '@tensorflow/tfjs-core';
import { backend_util } from '@tensorflow/tfjs-core';
import type { Graph, Shape, Value } from '../ir.ts';
import { type Lowering, slice } from './lowering.ts';
import { matMul } from './matmul.ts';

type Info = backend_util.Conv2DInfo;
type Shape4 = [number, number, number, number];

function infoOf(x: Shape, filter: Shape, attributes: Omit<Conv2DAttrs, 'dilations'> & Partial<Conv2DAttrs>): Info {
  if (attributes.dataFormat !== 'NHWC') throw new Error(`A convolution must be NHWC, got ${attributes.dataFormat}.`);
  const info = backend_util.computeConv2DInfo(
    x as Shape4,
    filter as Shape4,
    attributes.strides,
    attributes.dilations ?? 1,
    attributes.pad,
    attributes.dimRoundingMode,
  );
  if (info.inChannels !== filter[2]) throw new Error(`A grouped convolution cannot be compiled: filter (${filter}).`);
  return info;
}

const padsOf = ({ padInfo: { top, left, bottom, right } }: Info): number[] => [top, left, bottom, right];

const arePatches = (f: Info): boolean =>
  f.filterHeight === f.strideHeight && f.filterWidth === f.strideWidth && padsOf(f).every((p) => p === 0);

const patchCount = (f: Info): number => f.batchSize * f.outHeight * f.outWidth;
const patchSize = (f: Info): number => f.filterHeight * f.filterWidth * f.inChannels;

/** Non-overlapping patches as rows `(patches, kh·kw·C)`. */
function patchRows(graph: Graph, x: Value, f: Info): Value {
  const whole = [f.batchSize, f.outHeight * f.filterHeight, f.outWidth * f.filterWidth, f.inChannels];
  const cells = [f.batchSize, f.outHeight, f.filterHeight, f.outWidth, f.filterWidth, f.inChannels];
  const cut = graph.reshape(slice(graph, x, [0, 0, 0, 0], whole), cells);
  return graph.reshape(graph.transpose(cut, [0, 1, 3, 2, 4, 5]), [patchCount(f), patchSize(f)]);
}

const forward: Lowering = (graph, { x, filter }: { x: Value; filter: Value }, attributes: Conv2DAttrs, target) => {
  const f = infoOf(x.shape, filter.shape, attributes);
  if (arePatches(f)) {
    const weights = graph.reshape(filter, [patchSize(f), f.outChannels]);
    return graph.reshape(matMul(graph, { a: patchRows(graph, x, f), b: weights }, target), f.outShape);
  }
  const inputs = [graph.transpose(x, [0, 3, 1, 2]), graph.transpose(filter, [3, 2, 0, 1])];
  const y = graph.op('Conv', inputs, 'float32', [f.batchSize, f.outChannels, f.outHeight, f.outWidth], {
    kernel_shape: [f.filterHeight, f.filterWidth],
    strides: [f.strideHeight, f.strideWidth],
    dilations: [f.dilationHeight, f.dilationWidth],
    pads: padsOf(f),
  });
  return graph.transpose(y, [0, 2, 3, 1]);
};

const inputGradient: Lowering = (
  graph,
  { dy, filter }: { dy: Value; filter: Value },
  attributes: Conv2DBackpropInputAttrs,
  target,
) => {
  const f = infoOf(attributes.inputShape, filter.shape, attributes);
  const covered = f.outHeight * f.filterHeight === f.inHeight && f.outWidth * f.filterWidth === f.inWidth;
  if (arePatches(f) && covered) {
    const rows = graph.reshape(dy, [patchCount(f), f.outChannels]);
    const weights = graph.reshape(filter, [patchSize(f), f.outChannels]);
    const patches = matMul(graph, { a: rows, b: weights, transposeB: true }, target);
    const cells = [f.batchSize, f.outHeight, f.outWidth, f.filterHeight, f.filterWidth, f.inChannels];
    return graph.reshape(graph.transpose(graph.reshape(patches, cells), [0, 1, 3, 2, 4, 5]), f.inShape);
  }
  const pads = padsOf(f);
  const [top, left, bottom, right] = pads as [number, number, number, number];
  const inputs = [graph.transpose(dy, [0, 3, 1, 2]), graph.transpose(filter, [3, 2, 0, 1])];
  const dx = graph.op('ConvTranspose', inputs, 'float32', [f.batchSize, f.inChannels, f.inHeight, f.inWidth], {
    kernel_shape: [f.filterHeight, f.filterWidth],
    strides: [f.strideHeight, f.strideWidth],
    pads,
    // What the strided windows never reached at the far edges.
    output_padding: [
      (f.inHeight + top + bottom - f.filterHeight) % f.strideHeight,
      (f.inWidth + left + right - f.filterWidth) % f.strideWidth,
    ],
  });
  return graph.transpose(dx, [0, 2, 3, 1]);
};

/** With batch and channels swapped: x `(Cin,N,H,W)` convolved with dy `(Cout,N,oh,ow)`, dilated by the stride. */
const filterGradient: Lowering = (
  graph,
  { x, dy }: { x: Value; dy: Value },
  attributes: Conv2DBackpropFilterAttrs,
  target,
) => {
  const f = infoOf(x.shape, attributes.filterShape, attributes);
  if (arePatches(f)) {
    const rows = graph.reshape(dy, [patchCount(f), f.outChannels]);
    const weights = matMul(graph, { a: patchRows(graph, x, f), b: rows, transposeA: true }, target);
    return graph.reshape(weights, attributes.filterShape);
  }
  const pads = padsOf(f);
  const [top, left, bottom, right] = pads as [number, number, number, number];
  const height = f.inHeight + top + bottom - (f.outHeight - 1) * f.strideHeight;
  const width = f.inWidth + left + right - (f.outWidth - 1) * f.strideWidth;
  const inputs = [graph.transpose(x, [3, 0, 1, 2]), graph.transpose(dy, [3, 0, 1, 2])];
  const weights = graph.op('Conv', inputs, 'float32', [f.inChannels, f.outChannels, height, width], {
    kernel_shape: [f.outHeight, f.outWidth],
    dilations: [f.strideHeight, f.strideWidth],
    pads,
  });
  const cut = slice(graph, weights, [0, 0, 0, 0], [f.inChannels, f.outChannels, f.filterHeight, f.filterWidth]);
  return graph.transpose(cut, [2, 3, 0, 1]);
};

export const convolutions: Readonly<Record<string, Lowering>> = {
  Conv2D: forward,
  Conv2DBackpropInput: inputGradient,
  Conv2DBackpropFilter: filterGradient,
};
