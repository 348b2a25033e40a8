/** How far an attempt has come, in words and as a share. */

import { bytes, duration } from '../../format/numbers.ts';
import type { RunPhase, RunProgressPartsFragment } from '../../generated/operations.ts';

export interface Advance {
  readonly label: string;
  /** 0 to 1; null: nobody can know. */
  readonly share: number | null;
  readonly text: string;
}

const phases: Readonly<Record<RunPhase, string>> = {
  PREPARING: 'Preparing',
  FROZEN: 'Training the head',
  UNFROZEN: 'Training everything',
  VALIDATING: 'Validating',
  PREDICTING: 'Predicting',
  PROBING: 'Measuring memory',
};

/** @param progress null: the trainer has not told any */
export function advanceOf(progress: RunProgressPartsFragment | null): Advance {
  if (!progress) return { label: 'Starting', share: null, text: 'the trainer is on its way' };
  const { phase, epoch, epochs, batch, batches, etaSeconds, weights } = progress;
  if (weights) {
    const { source, received, size } = weights;
    const much = size === null ? 'the hub is asked' : `${bytes(received)} of ${bytes(size)}`;
    return {
      label: 'Fetching pretrained weights',
      share: size ? Math.min(received / size, 1) : null,
      text: `${source} · ${much}`,
    };
  }
  if (phase === 'PREPARING') return { label: phases[phase], share: null, text: 'images and network are being read' };
  const training = phase === 'FROZEN' || phase === 'UNFROZEN' || phase === 'VALIDATING';
  const within = batches > 0 ? Math.min(batch / batches, 1) : 0;
  const part = phase === 'VALIDATING' ? 1 : within;
  const words = [
    training && `epoch ${Math.min(epoch + 1, epochs)} of ${epochs}`,
    batches > 0 && `${phase === 'PROBING' ? 'trial' : 'batch'} ${batch} of ${batches}`,
    etaSeconds !== null && `${duration(etaSeconds)} left`,
  ];
  return {
    label: phases[phase],
    share: training ? (epoch + part) / Math.max(epochs, 1) : within,
    text: words.filter(Boolean).join(' · '),
  };
}
