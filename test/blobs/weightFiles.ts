/** Files of weights that a test makes, reads, and expects to be refused. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect } from 'vitest';
import { openTensorFile } from '../../src/blobs/openTensorFile.ts';
import type { NamedTensor } from '../../src/blobs/safetensors.ts';
import { TensorFileError } from '../../src/blobs/tensorFile.ts';
import { dictionary, pickle, torchArchive } from '../support/torchFiles.ts';

export const fixture = (name: string) => fileURLToPath(new URL(`../golden/weights/${name}`, import.meta.url));

export let folder: string;
/** Where `read` and `refusal` put their bytes. */
export let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-torch-'));
  file = path.join(folder, 'weights.bin');
});
afterEach(() => rm(folder, { recursive: true }));

/** Every tensor of a file. */
export async function readAll(path: string): Promise<Record<string, NamedTensor>> {
  const opened = await openTensorFile(path);
  try {
    const tensors: Record<string, NamedTensor> = {};
    for (const [name, { shape }] of opened.entries) tensors[name] = { shape, data: await opened.read(name) };
    return tensors;
  } finally {
    await opened.close();
  }
}

export async function read(bytes: Buffer): Promise<Record<string, NamedTensor>> {
  await writeFile(file, bytes);
  return readAll(file);
}

/** Why the bytes are refused; the message names the file. */
export async function refusal(bytes: Buffer): Promise<string> {
  const error = await read(bytes).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TensorFileError);
  expect((error as Error).message).toContain(file);
  return (error as Error).message;
}

export const plain = { w: { shape: [4], data: Float32Array.of(1, 2, 3, 4) } };
export const state = (...items: Buffer[]) => torchArchive(pickle(dictionary(...items)));
