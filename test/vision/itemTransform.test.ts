import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/domain/random.ts';
import type { ItemTransform } from '../../src/domain/trainingConfig.ts';
import { finish, itemBox, prepare } from '../../src/vision/itemTransform.ts';
import { fixtureJson, fixtureTensors, sizeOf } from './fixtures.ts';

const transformOf = (kase: { size: number | [number, number]; method: string }): ItemTransform => ({
  size: sizeOf(kase.size),
  method: kase.method.toUpperCase() as ItemTransform['method'],
});

describe('item transform', () => {
  it('chooses the same box and padding as the library, for every size, method and position', () => {
    const { cases } = fixtureJson('resize_geometry');
    expect(cases.length).toBeGreaterThan(200);
    for (const kase of cases) {
      const [width, height] = kase.orig_wh;
      const box = itemBox({ width, height }, transformOf(kase), { x: kase.pcts[0], y: kase.pcts[1] });
      const right = box.left + box.width;
      const bottom = box.top + box.height;
      const clipped = [Math.max(box.left, 0), Math.max(box.top, 0), Math.min(right, width), Math.min(bottom, height)];
      const padding = [-box.left, -box.top, right - width, bottom - height].map((side) => Math.max(side, 0));
      expect({ crop: [box.width, box.height], clipped, padding }, JSON.stringify(kase)).toEqual({
        crop: kase.crop_wh,
        clipped: kase.crop_box_ltrb,
        padding: kase.pad_ltrb,
      });
    }
  });

  it('gives the bytes of Pillow, prepared once for any position or for the centre only', () => {
    const tensor = fixtureTensors('resize_pixels');
    const { cases } = fixtureJson('resize_pixels');
    expect(cases.length).toBeGreaterThan(10);
    for (const kase of cases) {
      const { shape, data } = tensor(kase.src);
      const image = { width: shape[1]!, height: shape[0]!, data: data as Uint8Array };
      const position = { x: kase.pcts[0], y: kase.pcts[1] };
      const central = position.x === 0.5 && position.y === 0.5;
      const transform = transformOf(kase);
      const expected = Buffer.from(tensor(kase.out).data);
      for (const free of central ? [true, false] : [true]) {
        const item = finish(prepare(image, transform, free), transform, position);
        expect({ width: item.width, height: item.height }).toEqual(transform.size);
        expect(Buffer.compare(item.data, expected), `${JSON.stringify(kase)} free=${free}`).toBe(0);
      }
    }
  });

  it('keeps as finished a stage as the free position allows', () => {
    const image = (width: number, height: number) => ({ width, height, data: new Uint8Array(width * height * 3) });
    const stage = (width: number, height: number, method: ItemTransform['method'], free: boolean) =>
      prepare(image(width, height), { size: { height: 16, width: 16 }, method }, free).stage;
    expect(stage(20, 40, 'CROP', true)).toBe('rows');
    expect(stage(40, 20, 'CROP', true)).toBe('source');
    expect(stage(20, 20, 'CROP', true)).toBe('item');
    expect(stage(40, 20, 'PAD', true)).toBe('rows');
    expect(stage(20, 40, 'PAD', true)).toBe('source');
    expect(stage(20, 40, 'CROP', false)).toBe('item');
    expect(stage(20, 40, 'SQUISH', true)).toBe('item');
  });

  it('never rounds a side of an extreme image to nothing', () => {
    const image = { width: 600, height: 2, data: new Uint8Array(600 * 2 * 3).fill(7) };
    for (const method of ['CROP', 'SQUISH', 'PAD'] as const) {
      const transform = { size: { height: 9, width: 3 }, method };
      const item = finish(prepare(image, transform, true), transform, { x: 0.9, y: 0.1 });
      expect([...new Set(item.data)], method).toEqual([7]);
      expect(item.data.length).toBe(81);
    }
  });

  it('agrees with the formula on any size, bands of a large image and rows of odd length included', () => {
    const random = createRandom(3);
    const sizes = [
      [1, 1, 7, 5],
      [3, 2, 1, 1],
      [2, 9, 9, 2],
      [333, 77, 41, 199],
      // More than one band of rows: 4 MiB.
      [2003, 900, 17, 13],
    ] as const;
    for (const [width, height, toWidth, toHeight] of sizes) {
      const data = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
      const transform: ItemTransform = { size: { height: toHeight, width: toWidth }, method: 'SQUISH' };
      const item = prepare({ width, height, data }, transform, true);
      const rows = resizeAxis(data, width * 3, 3, height, width, toWidth);
      const expected = resizeAxis(rows, toWidth * 3, toWidth * 3, 1, height, toHeight);
      expect(Buffer.compare(item.data, expected), `${width}x${height} to ${toWidth}x${toHeight}`).toBe(0);
    }
  });
});

/** Pillow's resize along one axis, from its formula: `length` positions `step` bytes apart, in `lines` lines of `stride` bytes. */
function resizeAxis(
  data: Uint8Array,
  stride: number,
  step: number,
  lines: number,
  length: number,
  to: number,
): Uint8Array {
  const result = new Uint8Array(lines * to * step);
  const scale = length / to;
  const support = Math.max(scale, 1);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const low = Math.max(Math.trunc(centre - support + 0.5), 0);
    const high = Math.min(Math.trunc(centre + support + 0.5), length);
    const raw = Array.from({ length: high - low }, (_, j) =>
      Math.max(0, 1 - Math.abs((j + low - centre + 0.5) / support)),
    );
    const sum = raw.reduce((a, b) => a + b);
    const weights = length === to ? [2 ** 22] : raw.map((w) => Math.trunc((w / sum) * 2 ** 22 + 0.5));
    const start = length === to ? i : low;
    for (let line = 0; line < lines; line++) {
      for (let b = 0; b < step; b++) {
        let total = 2 ** 21;
        weights.forEach((w, j) => {
          total += w * data[line * stride + (start + j) * step + b]!;
        });
        result[(line * to + i) * step + b] = Math.floor(total / 2 ** 22);
      }
    }
  }
  return result;
}
