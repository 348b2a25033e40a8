/**
 * The pipeline's inner loops with SIMD, one pixel's channels (or 8 neighbouring bytes) at a time. Plain JavaScript needs
 * several times as long. Pixels are three bytes, three floats, or four floats of which the last is not used ("RGBX").
 * Kernels may read and write up to 47 bytes past the end of a buffer: callers leave that room.
 */

import { assemble } from './assembler.ts';
import { normalise, normaliseLit } from './normalise.ts';
import { addRow, reduceRow } from './reduce.ts';
import { resizeColumns, resizeRows } from './resize.ts';
import { copyRow, rgbBytes, rgbFloats, sampleRow } from './sample.ts';

const kernels = {
  resizeRows,
  resizeColumns,
  sampleBytes: sampleRow(rgbBytes),
  sampleFloats: sampleRow(rgbFloats),
  copyBytes: copyRow(rgbBytes),
  copyFloats: copyRow(rgbFloats),
  reduceRow,
  addRow,
  normalise,
  normaliseLit,
};

type KernelName = keyof typeof kernels;

export interface KernelMemory {
  /** Replaced by a larger one when the memory grows. */
  readonly buffer: ArrayBuffer;
  /** Adds pages of 65536 bytes. */
  grow(pages: number): number;
}

/** The kernels on a memory of their own. */
export interface KernelInstance {
  readonly memory: KernelMemory;
  readonly run: Readonly<Record<KernelName, (...args: number[]) => void>>;
}

/** The part of the WebAssembly interface used here: its types come with browser libraries only. */
interface WebAssemblyApi {
  readonly Memory: new (limits: { initial: number }) => KernelMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

export function instantiateKernels(): KernelInstance {
  const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  const memory = new Memory({ initial: 1 });
  const { exports } = new Instance(new Module(assemble(kernels)), { env: { memory } });
  return { memory, run: exports as KernelInstance['run'] };
}
