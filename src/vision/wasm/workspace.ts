/** Memory for one kernel computation after another: place inputs, make room for results, run, read, start again. */

import { instantiateKernels, type KernelInstance } from './kernels.ts';

export interface Workspace {
  readonly run: KernelInstance['run'];
  /** Forgets everything placed before. */
  clear(): void;
  /** Address of `bytes` bytes, 16-byte aligned, with room for what kernels read and write past the end. */
  room(bytes: number): number;
  /** Copies values into fresh room; returns its address. */
  place(values: Uint8Array | Int32Array | Float32Array): number;
  /** Views are valid until the next call of `room` or `place`. */
  bytes(address: number, length: number): Uint8Array;
  floats(address: number, length: number): Float32Array;
}

const slack = 48;
const pageBytes = 65_536;

let shared: Workspace | undefined;

/** The workspace of this thread. Kernels run to the end without waiting, so all users can take turns. */
export function workspace(): Workspace {
  shared ??= createWorkspace(instantiateKernels());
  shared.clear();
  return shared;
}

function createWorkspace({ memory, run }: KernelInstance): Workspace {
  let top = 0;
  const room = (bytes: number): number => {
    const address = top;
    top = (top + bytes + slack + 15) & ~15;
    const missing = top - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
    return address;
  };
  return {
    run,
    room,
    clear: () => {
      top = 0;
    },
    place(values) {
      const address = room(values.byteLength);
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      new Uint8Array(memory.buffer, address, bytes.length).set(bytes);
      return address;
    },
    bytes: (address, length) => new Uint8Array(memory.buffer, address, length),
    floats: (address, length) => new Float32Array(memory.buffer, address, length),
  };
}
