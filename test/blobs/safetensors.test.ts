import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NamedTensor, openSafetensors, readSafetensors } from '../../src/blobs/safetensors.ts';
import { type FetchedTensor, writeSafetensors } from '../../src/blobs/safetensorsWriter.ts';
import { TensorFileError } from '../../src/blobs/tensorFile.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
  path = join(folder, 'weights.safetensors');
});
afterEach(() => rm(folder, { recursive: true }));

/** A file from a header object and raw data. */
async function craft(header: unknown, data: Uint8Array): Promise<void> {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await writeFile(path, Buffer.concat([length, json, data]));
}

describe('safetensors', () => {
  it('reads back what it wrote', async () => {
    const tensors = new Map([
      ['weight', { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, Number.POSITIVE_INFINITY, 1e-40) }],
      ['labels', { shape: [2], data: Int32Array.of(-7, 2147483647) }],
      ['mask', { shape: [3], data: Uint8Array.of(0, 1, 255) }],
      ['scalar', { shape: [], data: Float32Array.of(4) }],
      ['empty', { shape: [0, 5], data: new Float32Array() }],
    ]);
    await writeSafetensors(path, tensors);
    expect(await readSafetensors(path)).toEqual(tensors);
    expect(await readdir(folder)).toEqual(['weights.safetensors']);
  });

  it('reads half precision, bfloat16, doubles and 64-bit integers', async () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0x3555);
    const brains = Uint16Array.of(0x3f80, 0xc049);
    const data = Buffer.concat([
      new Uint8Array(halves.buffer),
      new Uint8Array(brains.buffer),
      new Uint8Array(Float64Array.of(0.1).buffer),
      new Uint8Array(BigInt64Array.of(-5n).buffer),
    ]);
    await craft(
      {
        __metadata__: { format: 'pt' },
        half: { dtype: 'F16', shape: [5], data_offsets: [0, 10] },
        brain: { dtype: 'BF16', shape: [2], data_offsets: [10, 14] },
        double: { dtype: 'F64', shape: [1], data_offsets: [14, 22] },
        long: { dtype: 'I64', shape: [1], data_offsets: [22, 30] },
      },
      data,
    );
    const tensors = await readSafetensors(path);
    expect([...tensors.get('half')!.data]).toEqual([1, -2, 2 ** -24, Number.POSITIVE_INFINITY, 1365 / 4096]);
    expect([...tensors.get('brain')!.data]).toEqual([1, -3.140625]);
    expect([...tensors.get('double')!.data]).toEqual([Math.fround(0.1)]);
    expect([...tensors.get('long')!.data]).toEqual([-5]);
  });

  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  it.each([
    ['is empty', '', 0, /not a safetensors file/],
    ['is not JSON', '{not json', 0, /not JSON/],
    ['has an unknown type', { a: { ...entry, dtype: 'Q4' } }, 8, /bad header at a.dtype/],
    ['lacks a field', { a: { dtype: 'F32', shape: [2] } }, 8, /bad header at a.data_offsets/],
    ['gives a tensor too few bytes', { a: { ...entry, shape: [3] } }, 8, /tensor a has 8 bytes for F32 \[3\]/],
    ['leaves a gap', { a: entry, b: { ...entry, data_offsets: [12, 20] } }, 20, /tensor b starts at byte 12, not 8/],
    ['overlaps', { a: entry, b: { ...entry, data_offsets: [4, 12] } }, 12, /tensor b starts at byte 4, not 8/],
    ['has bytes left over', { a: entry }, 12, /12 bytes of data, header says 8/],
    ['has less data than it says', { a: entry }, 4, /4 bytes of data, header says 8/],
    ['has a tensor twice', `{"a":${JSON.stringify(entry)},"a":${JSON.stringify(entry)}}`, 8, /"a" stands there twice/],
    [
      'has a tensor twice, once escaped',
      `{"a":${JSON.stringify(entry)},"\\u0061":${JSON.stringify(entry)}}`,
      8,
      /"a" .*twice/,
    ],
    ['says a type twice', '{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 8, /"dtype" .*twice/],
    ['has an unknown field', { a: { ...entry, stride: [1] } }, 8, /bad header at a/],
    ['has a negative side', { a: { ...entry, shape: [-2] } }, 8, /bad header at a.shape.0/],
    ['has a broken side', { a: { ...entry, shape: [0.5] } }, 8, /bad header at a.shape.0/],
    ['begins before its data', { a: { ...entry, data_offsets: [-8, 0] } }, 8, /bad header at a.data_offsets.0/],
    [
      'ends a tensor before it begins',
      { a: { ...entry, data_offsets: [8, 0] } },
      8,
      /tensor a starts at byte 8, not 0/,
    ],
    ['has a huge shape', { a: { ...entry, shape: [2 ** 52, 2 ** 52] } }, 8, /tensor a has 8 bytes for F32/],
    ['is a list', [], 0, /bad header/],
    ['has the tensor __proto__', `{"__proto__":${JSON.stringify(entry)}}`, 8, /8 bytes of data, header says 0/],
  ])('refuses a file that %s', async (_, header, bytes, message) => {
    if (header === '') await writeFile(path, '');
    else await craft(header, new Uint8Array(bytes));
    await expect(openSafetensors(path)).rejects.toThrow(message);
    await expect(openSafetensors(path)).rejects.toThrow(path);
  });

  it.each([2n ** 63n, 10n ** 8n, 17n])('refuses a header that says to be %d bytes long', async (length) => {
    const bytes = Buffer.alloc(24, ' ');
    bytes.writeBigUInt64LE(length);
    await writeFile(path, bytes);
    await expect(openSafetensors(path)).rejects.toThrow(`header of ${Number(length)} bytes in 24`);
  });

  it('refuses a truncated file and a missing one, naming it', async () => {
    await writeSafetensors(path, new Map([['a', { shape: [100], data: new Float32Array(100) }]]));
    await truncate(path, 200);
    await expect(openSafetensors(path)).rejects.toThrow(/is truncated/);
    await truncate(path, 20);
    await expect(openSafetensors(path)).rejects.toThrow(/is truncated/);
    const missing = join(folder, 'nowhere.safetensors');
    await expect(openSafetensors(missing)).rejects.toThrow(TensorFileError);
    await expect(openSafetensors(missing)).rejects.toThrow(missing);
  });

  it('writes tensors that are fetched one at a time, with metadata', async () => {
    let fetched = 0;
    const tensor = (value: number) => ({
      shape: [2],
      fetch: async () => {
        fetched++;
        return Float32Array.of(value, -value);
      },
    });
    const mixed = new Map<string, NamedTensor | FetchedTensor>([
      ['a', tensor(1)],
      ['labels', { shape: [1], data: Int32Array.of(7) }],
      ['b', tensor(2)],
    ]);
    await writeSafetensors(path, mixed, { vocab: '["é","\\n"]' });
    expect(fetched).toBe(2);
    const file = await openSafetensors(path);
    expect(file.metadata).toEqual({ vocab: '["é","\\n"]' });
    expect([...file.entries.keys()]).toEqual(['a', 'labels', 'b']);
    expect(await file.read('b')).toEqual(Float32Array.of(2, -2));
    await file.close();
    const short = new Map([['a', { shape: [3], fetch: async () => new Float32Array(2) }]]);
    await expect(writeSafetensors(path, short)).rejects.toThrow(/tensor a: 2 values do not fill shape \[3\]/);
    expect(await readdir(folder)).toEqual(['weights.safetensors']);
  });

  it('leaves nothing behind when writing fails', async () => {
    const wrong = new Map([['a', { shape: [3], data: new Float32Array(2) }]]);
    await expect(writeSafetensors(path, wrong)).rejects.toThrow(/2 values do not fill shape \[3\]/);
    expect(await readdir(folder)).toEqual([]);
  });
});
