import { describe, expect, test } from 'vitest';
import { advanceOf } from '../../../client/src/pages/run/advance.ts';

const progress = {
  ...({ phase: 'PREPARING', epoch: 0, epochs: 4, batch: 0, batches: 0 } as const),
  ...{ imagesPerSecond: null, etaSeconds: null, weights: null },
};

describe('how far an attempt has come', () => {
  test('what it fetches is said from the first question on, with its bytes as soon as they are known', () => {
    const fetching = (received: number, size: number | null) =>
      advanceOf({ ...progress, batch: 1, batches: 2, weights: { source: 'hf://timm/vit', received, size } });
    const label = 'Fetching pretrained weights';
    expect(fetching(0, null)).toEqual({ label, share: null, text: 'hf://timm/vit · the hub is asked' });
    expect(fetching(0, 4 * 2 ** 20)).toEqual({ label, share: 0, text: 'hf://timm/vit · 0 B of 4.00 MiB' });
    expect(fetching(3 * 2 ** 20, 4 * 2 ** 20)).toEqual({
      label,
      share: 0.75,
      text: 'hf://timm/vit · 3.00 MiB of 4.00 MiB',
    });
  });

  test('before the first batch nobody knows how much is left', () => {
    expect(advanceOf(null).share).toBeNull();
    expect(advanceOf(progress)).toMatchObject({ label: 'Preparing', share: null });
  });

  test('epochs count while it trains and validates, batches alone while it predicts', () => {
    const training = { ...progress, phase: 'UNFROZEN', epoch: 1, batch: 5, batches: 10, etaSeconds: 30 } as const;
    expect(advanceOf(training)).toEqual({
      label: 'Training everything',
      share: 1.5 / 4,
      text: 'epoch 2 of 4 · batch 5 of 10 · 30 s left',
    });
    expect(advanceOf({ ...training, phase: 'VALIDATING' }).share).toBe(2 / 4);
    expect(advanceOf({ ...training, phase: 'PREDICTING', epoch: 4 })).toMatchObject({
      share: 0.5,
      text: 'batch 5 of 10 · 30 s left',
    });
    expect(advanceOf({ ...training, phase: 'PROBING', etaSeconds: null }).text).toBe('trial 5 of 10');
  });
});
