import { describe, expect, test } from 'vitest';
import { measurementsOf } from '../../../client/src/domain/measurements.ts';
import { matrixOf } from '../../../client/src/pages/probes/matrix.ts';
import {
  emptyProbe,
  placeRefusals,
  probeInput,
  probeLink,
  readProbe,
} from '../../../client/src/pages/probes/probeInput.ts';
import {
  equivalenceText,
  foundText,
  tallyText,
  trialText,
  verdictText,
} from '../../../client/src/pages/probes/words.ts';

const mebi = 2 ** 20;

describe('the form of a memory probe', () => {
  const draft = { ...emptyProbe, experiment: 'exp_1', arch: 'convnext_atto,vit_tiny_patch16_224' };

  test('asks for every architecture in every size and precision', () => {
    const { input, problems } = probeInput({
      ...draft,
      sizes: '64, 320x240',
      precision: 'FP32,FP16',
      budget: '1.5 GiB',
    });
    expect(problems).toEqual([]);
    expect(input.targets).toHaveLength(8);
    expect(input.targets).toContainEqual({
      architecture: 'vit_tiny_patch16_224',
      size: { height: 320, width: 240 },
      precision: 'FP16',
    });
    expect(input).toMatchObject({ experimentId: 'exp_1', effectiveBatchSize: 64, budget: { bytes: 1536 * mebi } });
  });

  test('says how images are loaded only where it is not the default', () => {
    const [loaded] = probeInput({ ...draft, method: 'SQUISH', load: '480' }).input.targets as object[];
    expect(loaded).toMatchObject({ itemTransform: { size: { height: 480, width: 480 }, method: 'SQUISH' } });
    const [squished] = probeInput({ ...draft, method: 'SQUISH' }).input.targets as object[];
    expect(squished).toMatchObject({ itemTransform: { size: { height: 224, width: 224 }, method: 'SQUISH' } });
    const [plain] = probeInput(draft).input.targets as object[];
    expect(plain).not.toHaveProperty('itemTransform');
  });

  test('tells what is not filled in, at its field', () => {
    const wrong = { ...emptyProbe, sizes: '64, big', budget: '4', batch: 'all', precision: '', load: 'x' };
    expect(probeInput(wrong).problems.map(({ field }) => field)).toEqual([
      ...['experiment', 'arch', 'sizes', 'precision', 'load', 'budget', 'batch'],
    ]);
  });

  test('shows refusals at their fields, once each', () => {
    const at = (message: string, ...path: string[]) => ({ path, message });
    const placed = placeRefusals([
      at('convnext_atto takes …', 'targets', '0', 'size'),
      at('convnext_atto takes …', 'targets', '1', 'size'),
      at('must be at least', 'targets', '2', 'itemTransform', 'size', 'height'),
      at('unknown architecture', 'targets', '3', 'architecture'),
      at('must be at least 2', 'effectiveBatchSize'),
      at('must be at least 64 MiB', 'budget'),
      at('has no data set', 'experimentId'),
      at('is the same as target 0', 'targets', '4'),
      at('a probe may have 50 targets', 'targets'),
    ]);
    expect(placed.map(({ field }) => field)).toEqual([
      ...['sizes', 'load', 'arch', 'batch', 'budget', 'experiment', null, null],
    ]);
  });

  test('stands in its link', () => {
    const link = probeLink(emptyProbe, { ...draft, sizes: '64,128' });
    expect(Object.entries(link).filter(([, value]) => value !== null)).toHaveLength(3);
    expect(readProbe(emptyProbe, (key) => link[key as keyof typeof link] ?? null)).toEqual({
      ...draft,
      sizes: '64,128',
    });
  });
});

describe('what a probe has found, in words', () => {
  const trial = (accumulation: number, peak: number | null, outcome: 'FITS' | 'OUT_OF_MEMORY' | 'OVER_BUDGET') => ({
    accumulation,
    microBatchSize: 8 / accumulation,
    peakMemory: peak === null ? null : peak * mebi,
    outcome,
    imagesPerSecond: null,
    message: null,
    cached: false,
  });
  const target = {
    architecture: 'convnext_atto',
    size: { height: 64, width: 64 },
    itemTransform: { size: { height: 64, width: 64 }, method: 'CROP' },
    precision: 'AUTO',
    recommendation: null,
    failure: null,
    equivalence: null,
    trials: [],
  } as const;
  const asked = { budget: 700 * mebi, effectiveBatchSize: 8 };

  test('the accumulation that is recommended', () => {
    const one = { ...target, recommendation: 1, trials: [trial(1, 512, 'FITS')] };
    expect(verdictText(one, asked, false)).toMatch(/without accumulation: all 8 images .* 512 MiB of 700 MiB/);
    const two = { ...target, recommendation: 2, trials: [trial(1, 702, 'OVER_BUDGET'), trial(2, 570, 'FITS')] };
    expect(verdictText(two, asked, true)).toMatch(/accumulation 2: 4 images at a time take 570 MiB of 700 MiB/);
    expect(tallyText([one, target])).toBe('1 of 2 fit');
  });

  test('that nothing fits is said only when everything was tried', () => {
    const tried = [trial(1, 900, 'OUT_OF_MEMORY'), trial(2, 800, 'OVER_BUDGET'), trial(4, 750, 'OVER_BUDGET')];
    expect(verdictText({ ...target, trials: tried }, asked, false)).toMatch(/^Nothing fits: even 2 images/);
    expect(verdictText({ ...target, trials: tried.slice(0, 2) }, asked, false)).toMatch(/not measured to the end/);
    expect(verdictText({ ...target, trials: tried.slice(0, 2) }, asked, true)).toBe('Being measured.');
    expect(verdictText(target, asked, true)).toBe('Not measured yet.');
    expect(verdictText(target, asked, false)).toBe('Was not measured.');
    expect(foundText({ ...target, trials: tried }, false)).toBe('nothing fits');
    expect(foundText({ ...target, trials: tried.slice(0, 2) }, false)).toBe('not measured');
    expect(foundText({ ...target, trials: tried.slice(0, 2) }, true)).toBe('measuring');
    expect(foundText({ ...target, trials: tried }, true)).toBe('nothing fits');
    expect(foundText({ ...target, trials: tried, recommendation: 4 }, true)).toBe('4');
  });

  test('each trial', () => {
    expect(trialText({ ...trial(1, 512, 'FITS'), imagesPerSecond: 56.61, cached: true })).toBe(
      '512 MiB fits, 56.6 images/s, known from before',
    );
    expect(trialText(trial(1, 702, 'OVER_BUDGET'))).toBe('702 MiB is too much');
    expect(trialText(trial(1, 702, 'OUT_OF_MEMORY'))).toBe('ended at 702 MiB, needs more');
    expect(trialText(trial(1, null, 'OUT_OF_MEMORY'))).toBe('ran out of memory');
  });

  test('whether accumulation is the same training', () => {
    const numbers = { loss: 1, lossDifference: 0, gradientMax: 1, gradientDifference: 0, gradientCosine: 1 };
    const equivalence = { ...numbers, accumulation: 2, samples: 32, agrees: true };
    expect(equivalenceText(equivalence)).toMatch(/is the same training: .* 32 images in 2 parts of 16/);
    expect(equivalenceText({ ...equivalence, agrees: false })).toMatch(/NOT the same/);
  });
});

test('the matrix has a row per architecture and a column per size, of one device and precision', () => {
  const probed = (id: string, device: string, architecture: string, side: number, micro: number, peak: number) => ({
    id,
    createdAt: '2026-11-23T00:00:00.000Z',
    device,
    targets: [
      {
        architecture,
        size: { height: side, width: side },
        precision: 'AUTO',
        trials: [{ microBatchSize: micro, peakMemory: peak, outcome: 'FITS' as const }],
      },
    ],
  });
  const measured = measurementsOf([
    probed('prb_1', 'CPU', 'vit', 128, 64, 500),
    probed('prb_2', 'CPU', 'atto', 64, 32, 300),
    probed('prb_3', 'GPU', 'atto', 32, 32, 300),
  ]);
  const view = { device: 'CPU', precision: 'AUTO', batch: 64, budget: 400 };
  const { sizes, rows } = matrixOf(measured, view, ['atto', 'vit']);
  expect(sizes).toEqual(['64', '128']);
  expect(rows.map(({ architecture, fits }) => [architecture, ...fits.map(({ kind }) => kind)])).toEqual([
    ['atto', 'fits', 'unknown'],
    ['vit', 'unknown', 'too much'],
  ]);
});
