/**
 * The safetensors format: 8 bytes little-endian header length, a JSON header { name: { dtype, shape, data_offsets } }, then raw
 * little-endian row-major data. Reading is strict: whatever is not a complete, gap-free file is refused with its reason.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { sizeOf } from '../domain/shape.ts';
import { messageOf } from '../errors.ts';

export type SafetensorsDType = keyof typeof bytesPerElement;

export interface SafetensorsEntry {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
}

export type TensorData = Float32Array | Int32Array | Uint8Array;

export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export const bytesPerElement = { F32: 4, F16: 2, BF16: 2, F64: 8, I32: 4, I64: 8, U8: 1 } as const;
/** The reference implementation's limit. */
const maximalHeaderBytes = 100_000_000;

const metadataSchema = z.record(z.string(), z.string());
const headerSchema = z.record(
  z.string(),
  z.strictObject({
    dtype: z.enum(Object.keys(bytesPerElement) as [SafetensorsDType, ...SafetensorsDType[]]),
    shape: z.array(z.int().min(0)),
    data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
  }),
);
export type Header = z.infer<typeof headerSchema>;

/** A file that is not valid safetensors, or lacks what was asked of it. The message names the file. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

/** An open file; tensors are read one at a time, so that a large file never lies in memory twice. */
export interface SafetensorsFile {
  readonly path: string;
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /** Text by key that the file carries besides its tensors; empty when it has none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** F16, BF16 and F64 become float32, I64 int32. */
  read(name: string): Promise<TensorData>;
  close(): Promise<void>;
}

/**
 * Opens and checks a file.
 * @throws SafetensorsError when the file is missing, truncated or malformed.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw new SafetensorsError(`cannot open weights file ${path}: ${messageOf(error)}`);
  }
  try {
    const size = (await handle.stat()).size;
    const { header, metadata, dataStart } = await readHeader(handle, path, size);
    return {
      path,
      entries: new Map(Object.entries(header).map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
      metadata,
      async read(name) {
        const entry = Object.hasOwn(header, name) ? header[name] : undefined;
        if (!entry) throw new SafetensorsError(`${path} has no tensor ${JSON.stringify(name)}`);
        const [begin, end] = entry.data_offsets;
        return decode(entry.dtype, await readBytes(handle, path, dataStart + begin, end - begin));
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
  if (size < 8) throw new SafetensorsError(`${path} is not a safetensors file: ${size} bytes long`);
  const length = Number((await readBytes(handle, path, 0, 8)).readBigUInt64LE());
  if (length > maximalHeaderBytes || 8 + length > size) {
    throw new SafetensorsError(
      `${path} is not a safetensors file, or is truncated: header of ${length} bytes in ${size}`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse((await readBytes(handle, path, 8, length)).toString('utf8'));
  } catch (error) {
    throw new SafetensorsError(`${path} is not a safetensors file: header is not JSON (${messageOf(error)})`);
  }
  let metadata: Record<string, string> = {};
  if (json !== null && typeof json === 'object' && '__metadata__' in json) {
    metadata = metadataSchema.safeParse(json.__metadata__).data ?? {};
    delete json.__metadata__;
  }
  const parsed = headerSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SafetensorsError(`${path}: bad header at ${issue?.path.join('.')}: ${issue?.message}`);
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
      throw new SafetensorsError(`${path}: tensor ${name} starts at byte ${begin}, not ${expected}`);
    if (end - begin !== sizeOf(shape) * bytesPerElement[dtype]) {
      throw new SafetensorsError(`${path}: tensor ${name} has ${end - begin} bytes for ${dtype} [${shape.join(', ')}]`);
    }
    expected = end;
  }
  if (expected !== dataBytes) {
    throw new SafetensorsError(`${path} is truncated or too long: ${dataBytes} bytes of data, header says ${expected}`);
  }
}

async function readBytes(handle: FileHandle, path: string, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.from(new ArrayBuffer(length));
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, Math.min(length - done, 2 ** 30), position + done);
    if (!bytesRead) throw new SafetensorsError(`${path} ended early, at byte ${position + done}`);
    done += bytesRead;
  }
  return buffer;
}

/** `bytes` starts at the beginning of its own ArrayBuffer. Every platform Node runs on is little-endian. */
function decode(dtype: SafetensorsDType, bytes: Buffer): TensorData {
  const { buffer } = bytes;
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'I32':
      return new Int32Array(buffer);
    case 'U8':
      return new Uint8Array(buffer);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer));
    case 'I64':
      return Int32Array.from(new BigInt64Array(buffer), Number);
    case 'F16':
      return Float32Array.from(new Uint16Array(buffer), fromHalf);
    case 'BF16':
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer);
  }
}

/** IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
