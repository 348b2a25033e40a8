/** PyTorch's container since 1.6: a zip archive with NAME/data.pkl and the storages as NAME/data/KEY. */

import type { FileHandle } from 'node:fs/promises';
import { readPickle } from './pickle.ts';
import { readBytes, TensorFileError } from './tensorFile.ts';
import { largestPickle, type TorchArchive } from './torchArchive.ts';
import { torchNames } from './torchNames.ts';
import { readZipDirectory, zipDataPosition } from './zipArchive.ts';

/**
 * Reads the pickle and finds the storages; `size` is the file's, in bytes.
 * @throws TensorFileError when the file is malformed or asks for more than tensors
 */
export async function openTorchArchive(handle: FileHandle, path: string, size: number): Promise<TorchArchive> {
  const entries = await readZipDirectory(handle, path, size);
  const name = pickleName(path, [...entries.keys()]);
  const folder = name.slice(0, -'data.pkl'.length);
  const place = (key: string) => {
    const inside = `${folder}${key}`;
    const entry = entries.get(inside);
    return entry && { bytes: entry.size, position: () => zipDataPosition(handle, path, size, inside, entry) };
  };
  const contents = async (key: string) => {
    const found = place(key)!;
    if (found.bytes > largestPickle)
      throw new TensorFileError(`${folder}${key} has ${found.bytes} bytes, too many to read`);
    return readBytes(handle, path, await found.position(), found.bytes);
  };
  if (entries.has(`${folder}byteorder`) && (await contents('byteorder')).toString() !== 'little') {
    throw new TensorFileError('its numbers are not little-endian');
  }
  const { value } = readPickle(await contents('data.pkl'), torchNames);
  return { value, place: (key) => place(`data/${key}`) };
}

function pickleName(path: string, names: readonly string[]): string {
  const found = names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (names.some((name) => /^[^/]+\/code\//.test(name))) {
    throw new TensorFileError('it is a TorchScript program, not a state dict');
  }
  if (names.some((name) => name.endsWith('.npy')))
    throw new TensorFileError(`${path} is a NumPy archive, which is not read`);
  if (found.length !== 1)
    throw new TensorFileError(`${path} is a zip archive, but not one of PyTorch: it has ${found.length} data.pkl`);
  return found[0]!;
}
