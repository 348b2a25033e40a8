/** What every format of weights is read as: named tensors of which one at a time is in memory. */

import { type FileHandle, open } from 'node:fs/promises';
import { messageOf } from '../errors.ts';

export type TensorData = Float32Array | Int32Array | Uint8Array;

export interface TensorEntry {
  /** As safetensors names element types: F32, BF16, I64 … */
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** An open file. */
export interface TensorFile {
  readonly path: string;
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** Text by key that the file carries besides its tensors, where its format has such. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The values of one tensor, row-major. As decodeElements gives them. */
  read(name: string): Promise<TensorData>;
  close(): Promise<void>;
}

/** A file that is not what it should be, or lacks what was asked of it. The message names the file. */
export class TensorFileError extends Error {
  override readonly name: string = 'TensorFileError';
}

/** @throws TensorFileError when the file is missing or may not be read */
export async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw new TensorFileError(`cannot open weights file ${path}: ${messageOf(error)}`);
  }
}

/** Exactly `length` bytes, at the beginning of an ArrayBuffer of their own. */
export async function readBytes(
  handle: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Buffer<ArrayBuffer>> {
  const buffer = Buffer.from(new ArrayBuffer(length));
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, Math.min(length - done, 2 ** 30), position + done);
    if (!bytesRead) throw new TensorFileError(`${path} ended early, at byte ${position + done}`);
    done += bytesRead;
  }
  return buffer;
}
