/**
 * PyTorch's files of weights (torch.save of a state dict): pickles that describe tensors, and their numbers beside. Only tensors
 * in dictionaries are read, one at a time; nothing that a pickle asks for is ever executed.
 */

import type { FileHandle } from 'node:fs/promises';
import { sizeOf } from '../domain/shape.ts';
import { messageOf } from '../errors.ts';
import { bytesPerElement, decodeElements } from './elements.ts';
import { openFile, readBytes, type TensorData, type TensorFile, TensorFileError } from './tensorFile.ts';
import type { StoragePlace, TorchArchive } from './torchArchive.ts';
import { openLegacyArchive } from './torchLegacy.ts';
import { TorchTensor } from './torchNames.ts';
import { openTorchArchive } from './torchZip.ts';

/**
 * Opens and checks a file in either container: `zip` since PyTorch 1.6, `legacy` before.
 * @throws TensorFileError naming the file and what is wrong with it
 */
export async function openTorchFile(path: string, container: 'zip' | 'legacy'): Promise<TensorFile> {
  const handle = await openFile(path);
  try {
    const size = (await handle.stat()).size;
    const archive = await readArchive(handle, path, size, container);
    const tensors = stateDict(path, archive.value);
    for (const [name, tensor] of tensors) check(path, name, tensor, archive);
    return {
      path,
      entries: new Map([...tensors].map(([name, { type, shape }]) => [name, { dtype: type, shape }])),
      async read(name) {
        const tensor = tensors.get(name);
        if (!tensor) throw new TensorFileError(`${path} has no tensor ${JSON.stringify(name)}`);
        return readTensor(handle, path, tensor, archive.place(tensor.storage.key)!);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readArchive(
  handle: FileHandle,
  path: string,
  size: number,
  container: 'zip' | 'legacy',
): Promise<TorchArchive> {
  const opened = container === 'zip' ? openTorchArchive : openLegacyArchive;
  try {
    return await opened(handle, path, size);
  } catch (error) {
    if (!(error instanceof TensorFileError) || error.message.includes(path)) throw error;
    throw new TensorFileError(
      `${path}: ${messageOf(error)}; save the weights alone, with torch.save(model.state_dict(), …) or as safetensors`,
    );
  }
}

/** Keys under which training scripts keep the state dict, the averaged one first, as timm prefers it. */
const wrappers = ['state_dict_ema', 'model_ema', 'state_dict', 'model'];

function stateDict(path: string, value: unknown): Map<string, TorchTensor> {
  if (!(value instanceof Map)) throw new TensorFileError(`${path} holds no dictionary of tensors`);
  const inner = wrappers.map((key) => value.get(key)).find((wrapped) => wrapped instanceof Map) ?? value;
  const tensors = new Map<string, TorchTensor>();
  for (const [key, tensor] of inner) {
    if (typeof key === 'string' && tensor instanceof TorchTensor) tensors.set(key, tensor);
  }
  if (!tensors.size) throw new TensorFileError(`${path} holds no tensors`);
  return tensors;
}

/** The tensor must lie within its storage, and the storage within the file. */
function check(path: string, name: string, tensor: TorchTensor, archive: TorchArchive): void {
  const { storage, type, offset, shape, strides } = tensor;
  const described = `${path}: tensor ${name} of shape [${shape.join(', ')}]`;
  if (strides.length !== shape.length) throw new TensorFileError(`${described} has ${strides.length} strides`);
  const place = archive.place(storage.key);
  if (!place) throw new TensorFileError(`${described}: its numbers (data/${storage.key}) are missing`);
  const elementBytes = bytesPerElement[type];
  const declared = storage.length * (storage.type === null ? 1 : elementBytes);
  if (place.bytes < declared) {
    throw new TensorFileError(`${described}: data/${storage.key} has ${place.bytes} bytes instead of ${declared}`);
  }
  if (sizeOf(shape) === 0) return;
  const needed = (offset + span(tensor)) * elementBytes;
  if (needed > declared) {
    throw new TensorFileError(`${described} needs ${needed} bytes, but data/${storage.key} has ${declared}`);
  }
  if (sizeOf(shape) > span(tensor)) {
    throw new TensorFileError(`${described} repeats its values (strides [${strides.join(', ')}]): save it contiguous`);
  }
}

/** Elements from the first to the last, both included. */
function span({ shape, strides }: TorchTensor): number {
  return 1 + shape.reduce((sum, side, i) => sum + (side - 1) * strides[i]!, 0);
}

async function readTensor(
  handle: FileHandle,
  path: string,
  tensor: TorchTensor,
  place: StoragePlace,
): Promise<TensorData> {
  const { type, offset, shape } = tensor;
  const elements = sizeOf(shape) === 0 ? 0 : span(tensor);
  const elementBytes = bytesPerElement[type];
  const position = (await place.position()) + offset * elementBytes;
  const values = decodeElements(type, await readBytes(handle, path, position, elements * elementBytes));
  return isRowMajor(tensor) ? values : gather(values, tensor);
}

function isRowMajor({ shape, strides }: TorchTensor): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

/** Row-major values out of the span that holds them. */
function gather(values: TensorData, { shape, strides }: TorchTensor): TensorData {
  const result = values.slice(0, sizeOf(shape));
  const index = shape.map(() => 0);
  let at = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = values[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
