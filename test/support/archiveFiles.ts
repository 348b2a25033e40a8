/** Writes archives for tests, byte by byte: also such as no program would write. */

import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipPart {
  readonly name: string | Buffer;
  readonly data?: Buffer | string;
  /** Of Unix, kind of file included; default a regular file. */
  readonly mode?: number;
  /** 8 deflates, 0 stores. Any other is written down and stores. */
  readonly method?: number;
  /** Bit 0: encrypted; 11: the name is UTF-8. */
  readonly flags?: number;
  /** Checksum and sizes come after the data, as they do when an archive is streamed. */
  readonly descriptor?: boolean;
  /** Sizes and offset are written as 64-bit numbers. */
  readonly zip64?: boolean;
  /** Of both headers, instead of the truth. */
  readonly claims?: { readonly size?: number; readonly crc?: number; readonly packed?: number };
  /** Of the header before the data, instead of what the directory says. */
  readonly local?: { readonly name?: string; readonly size?: number; readonly crc?: number; readonly method?: number };
}

const regularFile = 0o100644;
const far = 0xffffffff;

export function zipBytes(parts: readonly ZipPart[]): Buffer {
  const pieces: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const part of parts) {
    const name = Buffer.from(part.name as string);
    const data = Buffer.from((part.data ?? '') as string);
    const method = part.method ?? 8;
    const body = method === 8 ? deflateRawSync(data) : data;
    const { size = data.length, crc = crc32(data), packed = body.length } = part.claims ?? {};
    const flags = (part.flags ?? 0x800) | (part.descriptor ? 8 : 0);

    const localName = Buffer.from(part.local?.name ?? name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(part.zip64 ? 45 : 20, 4);
    local.writeUInt16LE(flags, 6);
    local.writeUInt16LE(part.local?.method ?? method, 8);
    if (!part.descriptor) {
      local.writeUInt32LE(part.local?.crc ?? crc, 14);
      local.writeUInt32LE(part.zip64 ? far : packed, 18);
      local.writeUInt32LE(part.zip64 ? far : (part.local?.size ?? size), 22);
    }
    local.writeUInt16LE(localName.length, 26);
    const localExtra = part.zip64 ? extra64([size, packed]) : Buffer.alloc(0);
    local.writeUInt16LE(localExtra.length, 28);
    const descriptor = part.descriptor ? words(0x08074b50, crc, packed, size) : Buffer.alloc(0);
    pieces.push(local, localName, localExtra, body, descriptor);

    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE((3 << 8) | 45, 4);
    central.writeUInt16LE(part.zip64 ? 45 : 20, 6);
    central.writeUInt16LE(flags, 8);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(crc, 16);
    central.writeUInt32LE(part.zip64 ? far : packed, 20);
    central.writeUInt32LE(part.zip64 ? far : size, 24);
    central.writeUInt16LE(name.length, 28);
    const extra = part.zip64 ? extra64([size, packed, offset]) : Buffer.alloc(0);
    central.writeUInt16LE(extra.length, 30);
    central.writeUInt32LE(((part.mode ?? regularFile) << 16) >>> 0, 38);
    central.writeUInt32LE(part.zip64 ? far : offset, 42);
    directory.push(central, name, extra);
    offset += local.length + localName.length + localExtra.length + body.length + descriptor.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...pieces, entries, end]);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value, 4 * i);
  });
  return bytes;
}

function extra64(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 8 * values.length);
  bytes.writeUInt16LE(1, 0);
  bytes.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, i) => {
    bytes.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
  });
  return bytes;
}

export interface TarPart {
  readonly name: string | Buffer;
  readonly data?: Buffer | string;
  /** Default `0`, a regular file. */
  readonly type?: string;
  readonly link?: string;
  readonly prefix?: string;
  /** `gnu` has no prefix. */
  readonly format?: 'ustar' | 'gnu';
  /** Written into the header instead of the length of the data. */
  readonly size?: number;
  /** The size to base 256 instead of in octal digits. */
  readonly binarySize?: boolean;
  readonly checksum?: number;
}

/** Without the end: two blocks of zeros, which `tarBytes` adds. */
export function tarBlocks(parts: readonly TarPart[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const data = Buffer.from((part.data ?? '') as string);
      const header = Buffer.alloc(512);
      Buffer.from(part.name as string).copy(header, 0, 0, 100);
      header.write('0000644\0', 100);
      header.write('0000000\0', 108);
      header.write('0000000\0', 116);
      const size = part.size ?? data.length;
      if (part.binarySize) {
        header[124] = 0x80;
        header.writeBigUInt64BE(BigInt(size), 128);
      } else header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
      header.write('00000000000\0', 136);
      header.write(part.type ?? '0', 156);
      header.write(part.link ?? '', 157);
      header.write(part.format === 'gnu' ? 'ustar  \0' : 'ustar\x0000', 257, 'latin1');
      header.write(part.prefix ?? '', 345);
      header.write('        ', 148);
      const checksum = part.checksum ?? header.reduce((sum, byte) => sum + byte, 0);
      header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
      return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
    }),
  );
}

export function tarBytes(parts: readonly TarPart[]): Buffer {
  return Buffer.concat([tarBlocks(parts), Buffer.alloc(1024)]);
}

/** The header that goes before an entry, with what its own has no room for. */
export function paxPart(records: Readonly<Record<string, string>>, type: 'x' | 'g' = 'x'): TarPart {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + 1;
    while (String(length).length + rest !== length) length = String(length).length + rest;
    return `${length} ${key}=${value}\n`;
  });
  return { name: 'PaxHeader', type, data: lines.join('') };
}
