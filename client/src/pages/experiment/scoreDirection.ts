import { improvesUpwards } from '../../domain/improves.ts';
import type { OrderDirection } from '../../generated/operations.ts';

/** Which values of a metric are better: as the objective says where it is about the same metric, by its name otherwise. */
export function scoreDirection(
  metric: string,
  objective: { readonly metric: string; readonly direction: OrderDirection },
): OrderDirection {
  if (metric === objective.metric) return objective.direction;
  return improvesUpwards(metric) ? 'DESC' : 'ASC';
}
