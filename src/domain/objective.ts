/** What makes one run better than another. */

export type OrderDirection = 'ASC' | 'DESC';

export interface Objective {
  /** Metric name, e.g. `valid/error_rate`. */
  readonly metric: string;
  /** ASC: the smallest value is the best. */
  readonly direction: OrderDirection;
}

export const defaultObjective: Objective = { metric: 'valid/error_rate', direction: 'ASC' };

const largerIsBetter = /(^|[/_.])(accuracy|acc|f1|auc|precision|recall|score|map|iou|images_per_second)$/i;

/** Which way a metric improves, from its name: larger for accuracy-like names, smaller for all others. */
export function directionOf(metric: string): OrderDirection {
  return largerIsBetter.test(metric) ? 'DESC' : 'ASC';
}
