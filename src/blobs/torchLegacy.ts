/**
 * PyTorch's container before 1.6: five pickles (magic number, version, system, the object, the storages' keys), then each storage as its
 * length (8 bytes) and its numbers.
 */

import type { FileHandle } from 'node:fs/promises';
import { bytesPerElement, type ElementType } from './elements.ts';
import { readPickle } from './pickle.ts';
import { readBytes, TensorFileError } from './tensorFile.ts';
import { largestPickle, type StoragePlace, type TorchArchive } from './torchArchive.ts';
import { type TorchStorage, torchNames } from './torchNames.ts';

const magic = 0x1950a86a20f9469cfc6cn;
const version = 1001;

/**
 * Reads the pickles and finds the storages; `size` is the file's, in bytes.
 * @throws TensorFileError when the file is malformed or asks for more than tensors
 */
export async function openLegacyArchive(handle: FileHandle, path: string, size: number): Promise<TorchArchive> {
  const start = await readBytes(handle, path, 0, Math.min(size, largestPickle));
  const types = new Map<string, ElementType>();
  const names = {
    find: torchNames.find,
    load: (id: unknown) => {
      const storage = torchNames.load(id) as TorchStorage;
      if (storage.type) types.set(storage.key, storage.type);
      return storage;
    },
  };
  let at = 0;
  const next = () => {
    const { value, end } = readPickle(start.subarray(at), names);
    at += end;
    return value;
  };
  if (next() !== magic || next() !== version)
    throw new TensorFileError('it is no state dict of a PyTorch that is known');
  const system = next();
  if (system instanceof Map && system.get('little_endian') === false) {
    throw new TensorFileError('its numbers are not little-endian');
  }
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw new TensorFileError('its list of storages is missing');
  const places = new Map<string, StoragePlace>();
  let position = at;
  for (const key of keys) {
    const type = types.get(key);
    if (!type) throw new TensorFileError(`it has a storage ${JSON.stringify(key)} that no tensor uses`);
    const length = Number((await readBytes(handle, path, position, 8)).readBigInt64LE());
    const begin = position + 8;
    const bytes = length * bytesPerElement[type];
    if (length < 0 || begin + bytes > size) throw new TensorFileError(`it ends within storage ${key}: it is truncated`);
    places.set(key, { bytes, position: async () => begin });
    position = begin + bytes;
  }
  return { value, place: (key) => places.get(key) };
}
