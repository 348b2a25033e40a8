import type { BoardView } from './useBoardView.ts';

/**
 * Whether the best epoch of a run and the predictions that it keeps can have different scores: of validation images, by what predictions are
 * scored by. On the hold-out only predictions are scored, on training images only epochs.
 * @param objective the metric that is ranked by when the view names none
 * @param hasHoldout whether the data set keeps one, on which experiments are ranked unless something else is asked for
 */
export function hasTwoScores(
  { metric, split }: Pick<BoardView, 'metric' | 'split'>,
  objective: string,
  hasHoldout: boolean,
): boolean {
  const [, prefix, name = ''] = /^(?:(train|valid|test|holdout)\/)?(.*)$/s.exec(metric ?? objective)!;
  if (!scored.has(name)) return false;
  if (split) return split === 'VALID';
  return prefix === 'valid' && !(hasHoldout && metric === null);
}

/** What predictions are scored by. */
const scored = new Set(['error_rate', 'accuracy', 'loss', 'log_loss']);
