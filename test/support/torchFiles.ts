/** Builds files as PyTorch's torch.save writes them, right or wrong in every detail. */

export interface ZipFile {
  readonly name: string;
  readonly data: Buffer;
  /** What the headers say instead of the truth. */
  readonly lies?: { readonly method?: number; readonly flags?: number; readonly size?: number; readonly at?: number };
}

const u16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const max32 = 0xffff_ffff;

/** A zip archive of stored files; with `zip64` every size and place is written in 64 bits. */
export function zip(files: readonly ZipFile[], { zip64 = false, count = files.length } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  const add = (...bytes: Buffer[]) => {
    for (const part of bytes) {
      parts.push(part);
      at += part.length;
    }
  };
  for (const { name, data, lies = {} } of files) {
    const size = lies.size ?? data.length;
    const headerAt = lies.at ?? at;
    const common = [u16(lies.flags ?? 0), u16(lies.method ?? 0), u32(0), u32(0)];
    add(u32(0x04034b50), u16(45), ...common, u32(size), u32(size), u16(name.length), u16(4));
    add(Buffer.from(name), u16(0x4246), u16(0), data);
    const extra = zip64 ? Buffer.concat([u16(1), u16(24), u64(size), u64(size), u64(headerAt)]) : Buffer.alloc(0);
    directory.push(
      ...[u32(0x02014b50), u16(45), u16(45), ...common],
      ...(zip64 ? [u32(max32), u32(max32)] : [u32(size), u32(size)]),
      ...[u16(name.length), u16(extra.length), u16(0), u16(0), u16(0), u32(0)],
      ...[zip64 ? u32(max32) : u32(headerAt), Buffer.from(name), extra],
    );
  }
  const directoryAt = at;
  add(...directory);
  const size = at - directoryAt;
  if (zip64) {
    const endAt = at;
    add(
      u32(0x06064b50),
      u64(44),
      u16(45),
      u16(45),
      u32(0),
      u32(0),
      u64(count),
      u64(count),
      u64(size),
      u64(directoryAt),
    );
    add(u32(0x07064b50), u32(0), u64(endAt), u32(1));
  }
  const [counts, places] = zip64 ? [0xffff, [max32, max32]] : [count, [size, directoryAt]];
  add(u32(0x06054b50), u16(0), u16(0), u16(counts), u16(counts), u32(places[0]!), u32(places[1]!), u16(0));
  return Buffer.concat(parts);
}

/** Pieces of a pickle. A number is an opcode or a byte, a string is text as it stands. */
export function pickle(...parts: readonly (number | string | Buffer)[]): Buffer {
  const bytes = parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part as string)));
  return Buffer.concat([Buffer.of(0x80, 2), ...bytes, Buffer.from('.')]);
}

/** Pushes a text. */
export const text = (value: string) =>
  Buffer.concat([Buffer.from('X'), u32(Buffer.byteLength(value)), Buffer.from(value)]);
/** Pushes a whole number: 32 bits, signed, or more. */
export function int(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
    bytes.write('J');
    bytes.writeInt32LE(value, 1);
    return bytes.subarray(0, 5);
  }
  bytes.writeBigInt64LE(BigInt(value), 1);
  return Buffer.concat([Buffer.of(0x8a, 8), bytes.subarray(1)]);
}
export const tuple = (...items: Buffer[]) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]);
/** Pushes what a module has under a name. */
export const named = (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`);
export const call = (called: Buffer, ...args: Buffer[]) => Buffer.concat([called, tuple(...args), Buffer.from('R')]);
export const dictionary = (...items: Buffer[]) => Buffer.concat([Buffer.from('}('), ...items, Buffer.from('u')]);

export interface TensorFacts {
  readonly storage?: string;
  readonly type?: string;
  readonly length?: number;
  readonly offset?: number;
  readonly shape?: readonly number[];
  readonly strides?: readonly number[];
}

/** Pushes a tensor: by default four float32 numbers, a vector, in storage 0. */
export function tensor(facts: TensorFacts = {}): Buffer {
  const { storage = '0', type = 'FloatStorage', length = 4, offset = 0, shape = [4], strides = [1] } = facts;
  const id = tuple(text('storage'), named('torch', type), text(storage), text('cpu'), int(length));
  const loaded = Buffer.concat([id, Buffer.from('Q')]);
  const sides = (values: readonly number[]) => tuple(...values.map(int));
  const hooks = call(named('collections', 'OrderedDict'));
  const rebuild = named('torch._utils', '_rebuild_tensor_v2');
  return call(rebuild, loaded, int(offset), sides(shape), sides(strides), Buffer.of(0x89), hooks);
}

/** The archive of a pickle, with four float32 numbers as storage 0. */
export function torchArchive(data: Buffer, storages: Readonly<Record<string, Buffer>> = { 0: fourNumbers }): Buffer {
  return zip([
    { name: 'archive/data.pkl', data },
    ...Object.entries(storages).map(([key, bytes]) => ({ name: `archive/data/${key}`, data: bytes })),
  ]);
}

export const fourNumbers = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);
