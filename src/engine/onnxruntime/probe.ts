/** What the ONNX Runtime at hand can do, found by trying it at start-up (a few milliseconds each). */

import { InferenceSession, Tensor } from 'onnxruntime-node';
import { sizeOf } from '../../domain/shape.ts';
import { Graph, nchwcDomain, type Value } from '../graph/ir.ts';
import type { Target } from '../graph/kernels/lowering.ts';
import { kernels } from '../graph/kernels/table.ts';
import { encodeModel } from '../graph/onnx.ts';

const create = (graph: Graph): Promise<InferenceSession> =>
  InferenceSession.create(encodeModel(graph), { graphOptimizationLevel: 'disabled', logSeverityLevel: 4 });

/** Runs a graph once and frees it; the outputs by name. */
async function runOnce(graph: Graph, feeds: Record<string, Tensor>): Promise<Record<string, Float32Array>> {
  const session = await create(graph);
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

const counting = (shape: readonly number[]): Tensor =>
  new Tensor(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => i),
    shape,
  );

/** What this machine's ONNX Runtime can be given. */
export async function probeTarget(): Promise<Target> {
  const nchwcBlock = await probeNchwcBlock();
  const usable = nchwcBlock > 0 && (await nchwcAgrees(nchwcBlock));
  return { nchwcBlock: usable ? nchwcBlock : 0, contrib: true };
}

/** Channels per block of MLAS' NCHWc layout on this CPU, read off what ReorderInput does to two pixels; 0: no such operator. */
export async function probeNchwcBlock(): Promise<number> {
  const channels = 64;
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, 1, 2, channels]);
  graph.output('y', graph.op('ReorderInput', [x], 'float32', [1, channels, 1, 2], { channels_last: 1 }, nchwcDomain));
  try {
    const { y } = await runOnce(graph, { x: counting(x.shape) });
    // Channel 0 of the second pixel comes after one block of the first.
    return Math.max(0, y?.indexOf(channels) ?? 0);
  } catch {
    return 0;
  }
}

/** True when a depthwise convolution in blocks of `nchwcBlock`, padded channels included, gives what a grouped Conv gives. */
export async function nchwcAgrees(nchwcBlock: number): Promise<boolean> {
  const channels = nchwcBlock + 4;
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 5, 6, channels]);
  const filter = graph.input('filter', 'float32', [3, 3, channels, 1]);
  const convolve = (target: Target): Value =>
    kernels.DepthwiseConv2dNative?.(
      graph,
      { x, filter } as never,
      { strides: 1, dilations: 1, pad: 'same', dataFormat: 'NHWC' } as never,
      target,
    ) as Value;
  graph.output('blocked', convolve({ nchwcBlock, contrib: true }));
  graph.output('grouped', convolve({ nchwcBlock: 0, contrib: true }));
  try {
    const { blocked, grouped } = await runOnce(graph, { x: counting(x.shape), filter: counting(filter.shape) });
    // Integers this small are exact in float32, in any order of summation.
    return blocked?.every((value, i) => value === grouped?.[i]) ?? false;
  } catch {
    return false;
  }
}

/**
 * onnxruntime-node copies every output into a new array even when it was computed straight into ours (0.7 ms/MB; a step has
 * hundreds). It converts outputs in order and refuses one of sequence type, after the run and before any copy: with such a first
 * output our buffers are filled and nothing is copied. Returns the message of that refusal, or null when this runtime does
 * something else and must be let copy.
 */
export async function probeCopyStopper(): Promise<string | null> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [3]);
  graph.output('y', graph.op('Add', [x, graph.float(1)], 'float32', [3]));
  graph.sequenceOutput('!', graph.float(0));
  const y = new Tensor(new Float32Array(3), [3]);
  try {
    const session = await create(graph);
    try {
      await session.run({ x: counting([3]) }, { '!': null, y });
      return null;
    } catch (error) {
      const filled = (y.data as Float32Array).every((value, i) => value === i + 1);
      return filled && error instanceof Error ? error.message : null;
    } finally {
      await session.release();
    }
  } catch {
    return null;
  }
}
