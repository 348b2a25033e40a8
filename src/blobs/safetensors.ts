/**
 * The safetensors format: 8 bytes little-endian header length, a JSON header { name: { dtype, shape, data_offsets } }, then raw
 * little-endian row-major data. Reading is strict: whatever is not a complete, gap-free file is refused with its reason.
 */

import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { sizeOf } from '../domain/shape.ts';
import { messageOf } from '../errors.ts';
import { bytesPerElement, decodeElements, type ElementType } from './elements.ts';
import { duplicateKey } from './jsonKeys.ts';
import { openFile, readBytes, type TensorData, type TensorFile, TensorFileError } from './tensorFile.ts';

export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** The reference implementation's limit. */
const maximalHeaderBytes = 100_000_000;

const metadataSchema = z.record(z.string(), z.string());
const headerSchema = z.record(
  z.string(),
  z.strictObject({
    dtype: z.enum(Object.keys(bytesPerElement) as [ElementType, ...ElementType[]]),
    shape: z.array(z.int().min(0)),
    data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
  }),
);
export type Header = z.infer<typeof headerSchema>;

/** An open file; tensors are read one at a time, so that a large file never lies in memory twice. */
export interface SafetensorsFile extends TensorFile {
  /** Text by key that the file carries besides its tensors; empty when it has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Opens and checks a file.
 * @throws TensorFileError when the file is missing, truncated or malformed.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await openFile(path);
  try {
    const size = (await handle.stat()).size;
    const { header, metadata, dataStart } = await readHeader(handle, path, size);
    return {
      path,
      entries: new Map(Object.entries(header).map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
      metadata,
      async read(name) {
        const entry = Object.hasOwn(header, name) ? header[name] : undefined;
        if (!entry) throw new TensorFileError(`${path} has no tensor ${JSON.stringify(name)}`);
        const [begin, end] = entry.data_offsets;
        return decodeElements(entry.dtype, await readBytes(handle, path, dataStart + begin, end - begin));
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Reads a whole small file. */
export async function readSafetensors(path: string): Promise<Map<string, NamedTensor>> {
  const file = await openSafetensors(path);
  try {
    const tensors = new Map<string, NamedTensor>();
    for (const [name, { shape }] of file.entries) tensors.set(name, { shape, data: await file.read(name) });
    return tensors;
  } finally {
    await file.close();
  }
}

async function readHeader(
  handle: FileHandle,
  path: string,
  size: number,
): Promise<{ header: Header; metadata: Record<string, string>; dataStart: number }> {
  if (size < 8) throw new TensorFileError(`${path} is not a safetensors file: ${size} bytes long`);
  const length = Number((await readBytes(handle, path, 0, 8)).readBigUInt64LE());
  if (length > maximalHeaderBytes || 8 + length > size) {
    throw new TensorFileError(
      `${path} is not a safetensors file, or is truncated: header of ${length} bytes in ${size}`,
    );
  }
  const text = (await readBytes(handle, path, 8, length)).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new TensorFileError(`${path} is not a safetensors file: header is not JSON (${messageOf(error)})`);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined)
    throw new TensorFileError(`${path}: bad header: ${JSON.stringify(twice)} stands there twice`);
  let metadata: Record<string, string> = {};
  if (json !== null && typeof json === 'object' && '__metadata__' in json) {
    metadata = metadataSchema.safeParse(json.__metadata__).data ?? {};
    delete json.__metadata__;
  }
  const parsed = headerSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TensorFileError(`${path}: bad header at ${issue?.path.join('.')}: ${issue?.message}`);
  }
  checkLayout(path, parsed.data, size - 8 - length);
  return { header: parsed.data, metadata, dataStart: 8 + length };
}

/** Tensors must fill the data part exactly, without gap or overlap. */
function checkLayout(path: string, header: Header, dataBytes: number): void {
  let expected = 0;
  const inOrder = Object.entries(header).sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0]);
  for (const [name, { dtype, shape, data_offsets }] of inOrder) {
    const [begin, end] = data_offsets;
    if (begin !== expected)
      throw new TensorFileError(`${path}: tensor ${name} starts at byte ${begin}, not ${expected}`);
    if (end - begin !== sizeOf(shape) * bytesPerElement[dtype]) {
      throw new TensorFileError(`${path}: tensor ${name} has ${end - begin} bytes for ${dtype} [${shape.join(', ')}]`);
    }
    expected = end;
  }
  if (expected !== dataBytes) {
    throw new TensorFileError(`${path} is truncated or too long: ${dataBytes} bytes of data, header says ${expected}`);
  }
}
