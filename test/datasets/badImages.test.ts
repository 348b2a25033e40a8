/** What the import says of every kind of bad or odd image file. */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { importFolder } from '../../src/datasets/importFolder.ts';
import type { ImportResult } from '../../src/domain/dataset.ts';
import { picture, writeFolder } from '../support/imageFiles.ts';
import { frames, lyingJpeg, pngBomb } from '../support/oddFiles.ts';

const good = () => picture({ width: 200, height: 150, seed: 4 });
const half = (bytes: Buffer) => bytes.subarray(0, bytes.length / 2);

/** With an APP2 segment that calls itself a colour profile and holds none. */
async function withBrokenProfile(): Promise<Buffer> {
  const bytes = await good().jpeg().toBuffer();
  const data = Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), Buffer.alloc(200, 0xa5)]);
  const segment = Buffer.from([0xff, 0xe2, 0, 0]);
  segment.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([bytes.subarray(0, 2), segment, data, bytes.subarray(2)]);
}

async function corrupted(): Promise<Buffer> {
  const bytes = await good().png().toBuffer();
  bytes[bytes.length >> 1]! ^= 0xff;
  return bytes;
}

const damaged =
  /^it cannot be decoded: the file is damaged or cut off$|^its header cannot be read: the file is damaged/;
const unsupported = /^not an image of a supported format \(JPEG, PNG, WebP, GIF, TIFF\)$/;

const refused: readonly (readonly [string, () => Buffer | Promise<Buffer>, RegExp])[] = [
  ['cut.jpg', async () => half(await good().jpeg().toBuffer()), damaged],
  ['almost-whole.jpg', async () => (await good().jpeg().toBuffer()).subarray(0, -1), damaged],
  ['cut-progressive.jpg', async () => half(await good().jpeg({ progressive: true }).toBuffer()), damaged],
  ['cut.png', async () => half(await good().png().toBuffer()), damaged],
  ['cut.webp', async () => half(await good().webp().toBuffer()), damaged],
  ['cut.gif', async () => half(await good().gif().toBuffer()), damaged],
  ['cut.tif', async () => half(await good().tiff().toBuffer()), damaged],
  ['flipped-byte.png', corrupted, damaged],
  ['header-only.jpg', async () => (await good().jpeg().toBuffer()).subarray(0, 4), damaged],
  ['empty.jpg', () => Buffer.alloc(0), /^the file is empty$/],
  ['text.jpg', () => Buffer.from('no image'), unsupported],
  ['zip.png', () => Buffer.from('PK\x03\x04 and so on'), unsupported],
  ['drawing.svg', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), unsupported],
  [
    'lying.jpg',
    () => lyingJpeg(65500),
    /^its header claims 65500x65500 pixels, more than the limit of 100000000 pixels$/,
  ],
  ['bomb.png', () => pngBomb(30_000), /^its header claims 30000x30000 pixels, more than the limit/],
];

const accepted: readonly (readonly [string, () => Promise<Buffer>, string | undefined])[] = [
  ['png-inside.jpg', () => good().png().toBuffer(), undefined],
  ['jpeg-inside.png', () => good().jpeg().toBuffer(), undefined],
  ['no-extension', () => good().jpeg().toBuffer(), undefined],
  ['progressive.jpg', () => good().jpeg({ progressive: true }).toBuffer(), undefined],
  ['cmyk.jpg', () => good().toColourspace('cmyk').jpeg().toBuffer(), undefined],
  ['broken-profile.jpg', withBrokenProfile, undefined],
  ['wide.png', () => picture({ width: 3000, height: 8 }).png().toBuffer(), undefined],
  ['moving.gif', async () => (await frames()).gif().toBuffer(), 'has 3 frames or pages; only the first is used'],
  ['moving.webp', async () => (await frames()).webp().toBuffer(), 'has 3 frames or pages; only the first is used'],
];

let root: string;
let result: ImportResult;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bad-images-'));
  await mkdir(join(root, 'leaf'));
  for (const [name, make] of [...refused, ...accepted]) await writeFolder(root, { [`leaf/${name}`]: await make() });
  result = await importFolder(root);
});
afterAll(() => rm(root, { recursive: true }));

const problemsOf = (name: string) => result.problems.filter(({ path }) => path === `leaf/${name}`);
const image = (name: string) => result.images.find(({ path }) => path === `leaf/${name}`);

it.each(refused)('refuses %s and says why', (name, _, reason) => {
  expect(problemsOf(name)).toEqual([
    { path: `leaf/${name}`, severity: 'REJECTED', reason: expect.stringMatching(reason) },
  ]);
  expect(image(name)).toBeUndefined();
});

it.each(accepted)('takes %s', (name, _, remark) => {
  expect(image(name)).toBeDefined();
  const remarks = problemsOf(name).filter(({ reason }) => !reason.startsWith('has the same bytes as'));
  expect(remarks.map(({ severity, reason }) => [severity, reason])).toEqual(remark ? [['WARNING', remark]] : []);
});
