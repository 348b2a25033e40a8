/** Against bytes that the real Pillow made: test/golden/pillow/make.py. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ItemTransform } from '../../src/domain/trainingConfig.ts';
import { decodeImage } from '../../src/vision/decode.ts';
import { finish, prepare } from '../../src/vision/itemTransform.ts';
import type { RgbImage } from '../../src/vision/rgbImage.ts';
import { largestDifference } from './fixtures.ts';

const casesOf = <T>(name: string): T[] =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../golden/pillow/${name}.json`, import.meta.url)), 'utf8')).cases;

interface ResizeCase {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly method: ItemTransform['method'];
  readonly at: readonly [number, number];
  readonly seed: number;
  readonly sha256: string;
}

/** The fixture's pixels. */
function noise(width: number, height: number, seed: number): RgbImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const h = Math.imul(i ^ seed, 0x9e3779b1);
    return Math.imul(h ^ (h >>> 15), 0x85ebca77) >>> 24;
  });
  return { width, height, data };
}

describe('the item transform', () => {
  const cases = casesOf<ResizeCase>('resize');
  const describeCase = ({ from, to, method }: ResizeCase) => `${method} ${from.join('x')} to ${to.join('x')}`;

  it.each(['SQUISH', 'CROP', 'PAD'] as const)('gives the bytes of Pillow for any size: %s', (method) => {
    const mine = cases.filter((kase) => kase.method === method);
    expect(mine.length).toBeGreaterThan(10);
    const wrong = mine.filter(({ from, to, at, seed, sha256 }) => {
      const transform: ItemTransform = { size: { width: to[0], height: to[1] }, method };
      const prepared = prepare(noise(from[0], from[1], seed), transform, true);
      const { data } = finish(prepared, transform, { x: at[0], y: at[1] });
      return createHash('sha256').update(data).digest('hex') !== sha256;
    });
    expect(wrong.map(describeCase)).toEqual([]);
  });

  it('was tried on edges of one pixel, enlargements and reductions to almost nothing', () => {
    const some = (test: (kase: ResizeCase) => boolean) => expect(cases.some(test)).toBe(true);
    some(({ from, to }) => from[0] === 1 && from[1] > 1 && to[0] > 1);
    some(({ from, to }) => from[1] === 1 && from[0] > 1 && to[1] > 1);
    some(({ from, to }) => to[0] > 50 * from[0] && to[1] > 40 * from[1]);
    some(({ from, to }) => from[0] > 500 * to[0] && from[1] > 500 * to[1]);
    expect(cases.filter(({ method }) => method === 'SQUISH').length).toBeGreaterThan(55);
  });
});

interface DecodeCase {
  readonly name: string;
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly rgb: string;
}

describe('decoding', () => {
  const cases = new Map(casesOf<DecodeCase>('decode').map((kase) => [kase.name, kase]));
  const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
  const pillow = (name: string): RgbImage => {
    const { width, height, rgb } = cases.get(name)!;
    return { width, height, data: bytesOf(rgb) };
  };
  const decode = async (name: string): Promise<RgbImage> => {
    const { width, height, data } = await decodeImage(bytesOf(cases.get(name)!.file));
    return { width, height, data: Uint8Array.from(data) };
  };

  /** Different on purpose, each with its test below. */
  const different = [
    'jpeg to be turned',
    'png rgba',
    'png grey with alpha',
    'png palette with a transparent entry',
    'png rgb 16 bit',
    'png grey 16 bit',
  ];

  it.each([...cases.keys()].filter((name) => !different.includes(name)))(
    'gives the bytes of Pillow: %s',
    async (name) => {
      expect(await decode(name)).toEqual(pillow(name));
    },
  );

  it('turns a picture upright by its EXIF orientation, which Pillow leaves as stored', async () => {
    const stored = pillow('jpeg to be turned');
    const upright = await decode('jpeg to be turned');
    expect([upright.width, upright.height]).toEqual([stored.height, stored.width]);
    const pixel = (image: RgbImage, x: number, y: number) => [
      ...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3),
    ];
    for (let y = 0; y < stored.height; y++) {
      for (let x = 0; x < stored.width; x++) {
        expect(pixel(upright, stored.height - 1 - y, x)).toEqual(pixel(stored, x, y));
      }
    }
  });

  it('flattens transparency on white, where Pillow shows the colour behind it', async () => {
    for (const name of ['png rgba', 'png grey with alpha']) {
      const { width, data } = pillow(name);
      const flattened = data.map((value, i) => {
        const alpha = Math.trunc((255 / (width - 1)) * (Math.floor(i / 3) % width));
        return Math.round((value * alpha + 255 * (255 - alpha)) / 255);
      });
      expect(largestDifference((await decode(name)).data, flattened), name).toBeLessThanOrEqual(1);
    }
    const palette = await decode('png palette with a transparent entry');
    const stored = pillow('png palette with a transparent entry');
    const changed = new Set<string>();
    for (let i = 0; i < stored.data.length; i += 3) {
      const ours = palette.data.subarray(i, i + 3);
      const theirs = stored.data.subarray(i, i + 3);
      if (Buffer.compare(ours, theirs) === 0) continue;
      expect([...ours]).toEqual([255, 255, 255]);
      changed.add(theirs.join());
    }
    expect(changed.size).toBe(1);
  });

  it('rounds 16-bit values to the nearest of 8 bits, where Pillow drops the low byte of colours and clips greys', async () => {
    const colour = pillow('png rgb 16 bit');
    const ours = await decode('png rgb 16 bit');
    expect(largestDifference(ours.data, colour.data)).toBe(1);
    const low = noise(colour.width, colour.height, 11).data;
    expect(ours.data).toEqual(colour.data.map((high, i) => Math.round((high * 256 + low[i]!) / 257)));
    const high = noise(colour.width, colour.height, 12).data;
    const rest = noise(colour.width, colour.height, 13).data;
    const grey = await decode('png grey 16 bit');
    expect(grey.data).toEqual(
      grey.data.map((_, i) => {
        const at = i - (i % 3);
        return Math.round((high[at]! * 256 + rest[at]!) / 257);
      }),
    );
    expect(pillow('png grey 16 bit').data.filter((value) => value === 255).length).toBeGreaterThan(
      0.9 * grey.data.length,
    );
  });
});
