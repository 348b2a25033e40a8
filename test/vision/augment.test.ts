import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/domain/random.ts';
import type { ItemTransform } from '../../src/domain/trainingConfig.ts';
import { type AugmentDraws, drawAugment } from '../../src/vision/augmentDraws.ts';
import { type ItemPlan, planBatch, planOf, renderRequest } from '../../src/vision/batchPlan.ts';
import { centred, finish, prepare } from '../../src/vision/itemTransform.ts';
import { lightingOf } from '../../src/vision/lighting.ts';
import { prefilterSize } from '../../src/vision/linearAxis.ts';
import { type CropWindow, centreCrop, randomCrop } from '../../src/vision/randomCrop.ts';
import { createRenderer } from '../../src/vision/renderer.ts';
import { affineMatrix, apply, gridMatrix, type Homography, warpMatrix } from '../../src/vision/warp.ts';
import { fixtureJson, fixtureTensors, largestDifference, pixelsOf, sizeOf } from './fixtures.ts';

const tensor = fixtureTensors('augment');
const json = fixtureJson('augment');
const plain = { mean: [0, 0, 0], std: [1, 1, 1] };

const drawsOf = (name: string, i: number): AugmentDraws => {
  const value = (key: string) => tensor(`${name}.${key}`).data[i]!;
  return {
    flip: value('flip') === 1,
    degrees: value('deg'),
    zoom: value('zoom'),
    zoomX: value('col_pct'),
    zoomY: value('row_pct'),
    warpX: value('warp_x'),
    warpY: value('warp_y'),
    brightness: 0.5,
    contrast: 1,
  };
};

const affineCases = ['portrait', 'square', 'identity'].flatMap((name) => {
  const [count, , height, width] = tensor(`${name}.x`).shape as [number, number, number, number];
  return Array.from({ length: count }, (_, i) => ({ name, i, width, height }));
});

describe('affine and warp', () => {
  it.each(affineCases)('matrix, warp coefficients and grid of $name $i', ({ name, i, width, height }) => {
    const draws = drawsOf(name, i);
    const mat = tensor(`${name}.mat`).data.subarray(i * 6, i * 6 + 6);
    expect(largestDifference(affineMatrix(draws, width, height).slice(0, 6), mat)).toBeLessThan(1e-6);
    const coefficients = tensor(`${name}.warp_coeffs`).data.subarray(i * 8, i * 8 + 8);
    expect(largestDifference(warpMatrix(draws.warpX, draws.warpY).slice(0, 8), coefficients)).toBeLessThan(1e-6);
    const pointsOf = (grid: Homography) =>
      Array.from({ length: width * height }, (_, k) =>
        apply(grid, -1 + (2 * (k % width)) / (width - 1), -1 + (2 * Math.floor(k / width)) / (height - 1)),
      ).flat();
    for (const [key, grid] of [
      ['affine_grid', affineMatrix(draws, width, height)],
      ['final_grid', gridMatrix(draws, width, height)],
    ] as const) {
      const points = pointsOf(grid);
      const expected = tensor(`${name}.${key}`).data.subarray(i * points.length, (i + 1) * points.length);
      expect(largestDifference(points, expected), key).toBeLessThan(2e-6);
    }
  });

  it.each(affineCases)('pixels of $name $i', ({ name, i, width, height }) => {
    // An output of the item's own size makes the resampling after the affine stage the identity, row by row.
    const item = { width, height, data: pixelsOf(tensor(`${name}.x`), i, 255) };
    const plan = planOf([{ position: centred, augment: drawsOf(name, i) }], centreCrop(width, height), width, height);
    const out = new Float32Array(width * height * 3);
    const whole: CropWindow = { left: 0, top: 0, width, height };
    createRenderer({ height, width }, plain.mean, plain.std).render(
      { ...renderRequest(plan, 0, item), crop: whole },
      out,
      0,
    );
    expect(largestDifference(out, pixelsOf(tensor(`${name}.out`), i))).toBeLessThan(2e-5);
  });

  it('draws every value in its range, masked as often as the recipe says', () => {
    const random = createRandom(11);
    const draws = Array.from({ length: 4000 }, () => drawAugment(random));
    const share = (test: (d: AugmentDraws) => boolean) => draws.filter(test).length / draws.length;
    expect(share((d) => d.flip)).toBeCloseTo(0.5, 1);
    for (const [key, neutral, low, high] of [
      ['degrees', 0, -10, 10],
      ['zoom', 1, 1, 1.1],
      ['warpX', 0, -0.2, 0.2],
      ['warpY', 0, -0.2, 0.2],
      ['brightness', 0.5, 0.4, 0.6],
      ['contrast', 1, 0.8, 1.25],
    ] as const) {
      expect(Math.abs(share((d) => d[key] === neutral) - 0.25), key).toBeLessThan(0.03);
      expect(
        share((d) => d[key] < low || d[key] > high),
        key,
      ).toBe(0);
      const values = draws.map((d) => d[key]);
      expect(Math.min(...values), key).toBeLessThan(low + 0.02 * (high - low));
      expect(Math.max(...values), key).toBeGreaterThan(high - 0.02 * (high - low));
    }
    // Uniform in its logarithm: as often below 1 as above.
    expect(Math.abs(share((d) => d.contrast < 1) - 0.375)).toBeLessThan(0.025);
  });
});

describe('random resized crop', () => {
  it('is centred in validation', () => {
    for (const { hw, crop_hw, tl_yx } of json.rrc_valid_geometry) {
      const [top, left] = tl_yx;
      expect(centreCrop(hw[1], hw[0])).toEqual({ top, left, height: crop_hw[0], width: crop_hw[1] });
    }
  });

  it('takes the first side that fits, or the centre after ten tries', () => {
    for (const kase of json.rrc_train_geometry) {
      const uniforms = [...kase.area_uniforms_per_try];
      const corner = [...kase.tl_yx_from_python_random];
      const limits: number[] = [];
      const crop = randomCrop(kase.hw[1], kase.hw[0], 0.75, {
        next: () => uniforms.shift(),
        integer: (n) => {
          limits.push(n);
          return corner.shift();
        },
      });
      expect(uniforms).toEqual([]);
      expect(crop).toEqual({
        height: kase.crop_hw[0],
        width: kase.crop_hw[1],
        top: kase.tl_yx_from_python_random[0],
        left: kase.tl_yx_from_python_random[1],
      });
      if (!kase.fallback_to_centre) {
        expect(limits).toEqual([kase.hw[0] - crop.height + 1, kase.hw[1] - crop.width + 1]);
      }
    }
  });

  it('rounds a side that lies halfway to the even one, as Python does', () => {
    const sideOf = (share: number) => {
      const first = { next: () => (share - 0.75) / 0.25, integer: () => 0 };
      return randomCrop(32, 32, 0.75, first).width;
    };
    expect([29.5, 30.5, 31.5].map((side) => sideOf(side ** 2 / 1024))).toEqual([30, 30, 32]);
  });

  it('prefilters to the sizes of the library, the odd ones included', () => {
    for (const kase of json.rrc_prefilter_sizes) {
      const shrunk = prefilterSize({ width: kase.crop, height: kase.crop }, sizeOf(kase.size), { low: -1, high: 1 });
      expect(shrunk, JSON.stringify(kase)).toEqual(
        kase.prefilter ? { width: kase.pre_size, height: kase.pre_size } : undefined,
      );
    }
  });

  it('does not prefilter where the grid already reads closely: a zoomed item', () => {
    const size = { width: 20, height: 48 };
    // d = 1.2; a grid that spans 2 of the item's width gives z = 1, one that spans 1.6 gives 1.25.
    expect(prefilterSize(size, size, { low: -1, high: 1 })).toEqual({ width: 16, height: 40 });
    expect(prefilterSize(size, size, { low: -0.8, high: 0.8 })).toBeUndefined();
  });

  it.each(['rrc0', 'rrc1', 'rrc2', 'rrc3', 'rrc4'])('pixels of %s', (name) => {
    const { tl_yx, crop_hw, size } = json.cases[name];
    const [count, , height, width] = tensor(`${name}.x`).shape as [number, number, number, number];
    const target = sizeOf(size);
    const renderer = createRenderer(target, plain.mean, plain.std);
    const crop = { top: tl_yx[0], left: tl_yx[1], height: crop_hw[0], width: crop_hw[1] };
    for (let i = 0; i < count; i++) {
      const out = new Float32Array(target.width * target.height * 3);
      const source = { width, height, data: pixelsOf(tensor(`${name}.x`), i, 255) };
      renderer.render({ source, sampling: undefined, crop, lighting: undefined }, out, 0);
      expect(largestDifference(out, pixelsOf(tensor(`${name}.out`), i))).toBeLessThan(2e-5);
    }
  });
});

describe('lighting', () => {
  /** Lights RGB values in [0, 1], one row of pixels, unmoved. */
  const light = (values: Float32Array, brightness: number, contrast: number): Float32Array => {
    const width = values.length / 3;
    const out = new Float32Array(values.length);
    const source = { width, height: 1, data: values.map((value) => value * 255) };
    const crop = { left: 0, top: 0, width, height: 1 };
    const lighting = lightingOf(brightness, contrast);
    const size = { height: 1, width };
    createRenderer(size, plain.mean, plain.std).render({ source, sampling: undefined, crop, lighting }, out, 0);
    return out;
  };

  it('follows the library, black and white included', () => {
    const x = tensor('lighting.x');
    for (let i = 0; i < x.shape[0]!; i++) {
      const [brightness, contrast] = [tensor('lighting.brightness').data[i]!, tensor('lighting.contrast').data[i]!];
      const out = light(pixelsOf(x, i), brightness, contrast);
      expect(largestDifference(out, pixelsOf(tensor('lighting.out'), i))).toBeLessThan(2e-5);
    }
  });

  it('stays within 1e-6 of the formula everywhere, at the extremes of the draws', () => {
    const logit = (v: number) => Math.log(v / (1 - v));
    const values = Float32Array.from({ length: 29_997 }, (_, i) => (i + 1) / 29_998);
    for (const brightness of [0.4, 0.5, 0.6]) {
      for (const contrast of [0.8, 1.25]) {
        const exact = values.map((x) => 1 / (1 + Math.exp(-(logit(x) + logit(brightness)) * contrast)));
        expect(largestDifference(light(values, brightness, contrast), exact)).toBeLessThan(1e-6);
      }
    }
  });
});

describe('the whole chain from bytes to normalised tensor', () => {
  const { cases } = fixtureJson('pipeline');
  const images = fixtureTensors('pipeline');

  it.each(Object.keys(cases))('%s', (name) => {
    const kase = cases[name];
    const transform: ItemTransform = { size: sizeOf(kase.item[0]), method: kase.item[1].toUpperCase() };
    const size = sizeOf(kase.size);
    const expected = images(`${name}.out`);
    const train = kase.mode === 'train';
    const items = Array.from({ length: expected.shape[0]! }, (_, i): ItemPlan => {
      if (!train) return { position: centred, augment: undefined };
      const d = (key: string): number => kase.draws[key][i];
      const augment = {
        flip: d('flip') === 1,
        degrees: d('deg'),
        zoom: d('zoom'),
        zoomX: d('col_pct'),
        zoomY: d('row_pct'),
        warpX: d('warp_x'),
        warpY: d('warp_y'),
        brightness: d('brightness'),
        contrast: d('contrast'),
      };
      return { position: { x: kase.pcts[i][0], y: kase.pcts[i][1] }, augment };
    });
    const { tl, cp } = kase.rrc;
    const crop = { top: tl[0], left: tl[1], height: cp[0], width: cp[1] };
    const drawn = planBatch(items.length, kase.mode, 1, { itemTransform: transform, minScale: 0.75 });
    if (!train) expect(drawn.crop).toEqual(crop);
    const plan = planOf(items, crop, transform.size.width, transform.size.height);
    const renderer = createRenderer(size, kase.mean, kase.std);
    items.forEach(({ position }, i) => {
      const { shape, data } = images(train ? `${name}.image${i}` : `${name}.image`);
      const source = { width: shape[1]!, height: shape[0]!, data: data as Uint8Array };
      const item = finish(prepare(source, transform, train), transform, position);
      const out = new Float32Array(size.width * size.height * 3);
      renderer.render(renderRequest(plan, i, item), out, 0);
      expect(largestDifference(out, pixelsOf(expected, i))).toBeLessThan(2e-4);
    });
  });

  it('prefilters an item more than twice as high as wide before the affine stage, in validation too', () => {
    // 2 wide bars of 8 pixels each: area averaging by 1.5 mixes them, plain sampling would not.
    const width = 16;
    const height = 48;
    const valid = planOf([{ position: centred, augment: undefined }], centreCrop(width, height), width, height);
    expect(valid.shrunk).toEqual({ width: 10, height: 32 });
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (Math.floor(i / 3) % width < 8 ? 0 : 255));
    const out = new Float32Array(width * width * 3);
    const request = renderRequest(valid, 0, { width, height, data });
    createRenderer({ height: width, width }, plain.mean, plain.std).render(request, out, 0);
    const row = Array.from({ length: width }, (_, x) => out[x * 3]!);
    expect(row[0]).toBeCloseTo(0, 5);
    expect(row[15]).toBeCloseTo(1, 5);
    // 10 samples stretched over 16 outputs: position 7 lies at 4.2, between a dark and a bright sample.
    expect(row[7]).toBeCloseTo(0.2, 5);
  });
});
