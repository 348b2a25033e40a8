import { describe, expect, test } from 'vitest';
import { openEngine } from '../../src/engine/openEngine.ts';
import { loadTensorFlow } from '../../src/engine/tensorflow.ts';
import { StartupError } from '../../src/errors.ts';

const tensorflow = loadTensorFlow({}, 1);
const missing = typeof tensorflow === 'string';

test.each([
  ['auto', 'cpu'],
  ['onnxruntime', 'auto'],
  ['onnxruntime', 'cpu'],
] as const)('%s on %s is onnxruntime', async (engine, device) => {
  const opened = await openEngine({ engine, device, computeThreads: 1 });
  expect(opened.info.name).toBe('onnxruntime');
  await opened.dispose();
});

test.each([
  [undefined, 'FP32'],
  ['AUTO', 'FP32'],
  ['FP32', 'FP32'],
  ['FP16', 'FP16'],
  ['BF16', 'BF16'],
] as const)('precision %s on a CPU is %s', async (precision, expected) => {
  const opened = await openEngine({
    ...{ engine: 'onnxruntime', device: 'cpu', computeThreads: 1 },
    ...(precision && { precision }),
  });
  expect(opened.info.precision).toBe(expected);
  await opened.dispose();
});

test('what no engine can do is refused by name', async () => {
  await expect(openEngine({ engine: 'auto', device: 'webgpu', computeThreads: 1 })).rejects.toThrow(/DEVICE=webgpu/);
  await expect(openEngine({ engine: 'onnxruntime', device: 'cuda', computeThreads: 1 })).rejects.toThrow(
    /ENGINE=onnxruntime computes on the CPU/,
  );
});

describe.skipIf(!missing)('where TensorFlow does not load', () => {
  test('the reason names each package', () => {
    expect(tensorflow).toMatch(/@tensorflow\/tfjs-node-gpu: .+; @tensorflow\/tfjs-node: .+/);
  });

  test('auto is onnxruntime', async () => {
    const opened = await openEngine({ engine: 'auto', device: 'auto', computeThreads: 1 });
    expect(opened.info.name).toBe('onnxruntime');
    await opened.dispose();
  });

  test('asking for it by name fails, saying why and what to do', async () => {
    const opening = openEngine({ engine: 'tensorflow', device: 'auto', computeThreads: 1 });
    await expect(opening).rejects.toThrow(StartupError);
    await expect(opening).rejects.toThrow(/ENGINE=tensorflow needs TensorFlow.*npm run tensorflow/);
    await expect(openEngine({ engine: 'auto', device: 'cuda', computeThreads: 1 })).rejects.toThrow(
      /DEVICE=cuda needs/,
    );
  });
});

describe.skipIf(missing)('where TensorFlow loads', () => {
  test('asking for it by name gives it', async () => {
    const opened = await openEngine({ engine: 'tensorflow', device: 'auto', computeThreads: 1 });
    expect(opened.info.name).toBe('tensorflow');
    const state = await opened.createState({ a: { shape: [2], data: Float32Array.of(1, 2) } });
    const step = await opened.compile({ state, uses: ['a'], inputs: {}, fn: ({ a }) => ({ out: { b: a!.mul(2) } }) });
    expect(await step.run({})).toEqual({ b: Float32Array.of(2, 4) });
    await opened.dispose();
  });
});

test('memory of a GPU is taken as it is needed, unless set otherwise', () => {
  const environment: Record<string, string | undefined> = { TF_NUM_INTRAOP_THREADS: '7' };
  loadTensorFlow(environment, 3);
  expect(environment).toMatchObject({ TF_FORCE_GPU_ALLOW_GROWTH: 'true', TF_NUM_INTRAOP_THREADS: '7' });
});
