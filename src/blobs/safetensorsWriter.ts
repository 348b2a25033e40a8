/** Writing the safetensors format: see safetensors.ts. */

import { open, rename, rm } from 'node:fs/promises';
import { sizeOf } from '../domain/shape.ts';
import { bytesPerElement } from './elements.ts';
import type { Header, NamedTensor } from './safetensors.ts';
import { type TensorData, TensorFileError } from './tensorFile.ts';

/** A float32 tensor whose values are fetched when they are written, so that a large file never lies in memory. */
export interface FetchedTensor {
  readonly shape: readonly number[];
  readonly fetch: () => Promise<Float32Array>;
}

type Written = NamedTensor | FetchedTensor;

/**
 * The start of a file: length and header. The tensors' data follows in the order of the map.
 * @param metadata text by key, readable without the data
 */
export function encodeHeader(
  tensors: ReadonlyMap<string, Written>,
  metadata?: Readonly<Record<string, string>>,
): Buffer {
  const header: Header = {};
  let offset = 0;
  for (const [name, tensor] of tensors) {
    const { shape } = tensor;
    if ('data' in tensor) requireFull(name, shape, tensor.data);
    const dtype = dtypeOf(tensor);
    const end = offset + sizeOf(shape) * bytesPerElement[dtype];
    header[name] = { dtype, shape: [...shape], data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify({ ...(metadata && { __metadata__: metadata }), ...header }));
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  json.copy(padded, 8);
  return padded;
}

/** Writes beside `path`, syncs, then renames: a reader never sees half a file, and a failed write leaves nothing behind. */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Written>,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(encodeHeader(tensors, metadata));
      for (const [name, tensor] of tensors) {
        const data = 'data' in tensor ? tensor.data : await tensor.fetch();
        requireFull(name, tensor.shape, data);
        await handle.writeFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function dtypeOf(tensor: Written): 'F32' | 'I32' | 'U8' {
  if (!('data' in tensor) || tensor.data instanceof Float32Array) return 'F32';
  return tensor.data instanceof Int32Array ? 'I32' : 'U8';
}

function requireFull(name: string, shape: readonly number[], data: TensorData): void {
  if (sizeOf(shape) === data.length) return;
  throw new TensorFileError(`tensor ${name}: ${data.length} values do not fill shape [${shape.join(', ')}]`);
}
