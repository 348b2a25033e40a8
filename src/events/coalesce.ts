/** Fewer events for slow readers: newest progress, merged memory windows and metric points; everything else as it is. */

import type { RunEvent, RunEventKind, RunEventPayload } from '../domain/runEvent.ts';

/** Kinds that come with every few steps. The others must not wait. LOG may wait but is never dropped. */
const patient: ReadonlySet<RunEventKind> = new Set(['PROGRESS', 'MEMORY', 'METRICS', 'LOG']);

/** Whether an event must be handed on at once. */
export function isUrgent(event: RunEvent): boolean {
  return !patient.has(event.payload.kind);
}

/**
 * Keeps the newest PROGRESS and MEMORY of each run (with the highest peak of those left out) and joins METRICS that have
 * only such events of their run between them, at the place of the first and with the number of the last. A reader that
 * resumes after any of the events left misses no point: its number skips nothing but progress and memory.
 */
export function coalesce(events: readonly RunEvent[]): RunEvent[] {
  const kept: (RunEvent | undefined)[] = [];
  /** Index in `kept` of the event of a run and kind that the next one is merged with. */
  const open = new Map<string, number>();
  for (const event of events) {
    const { runId, payload } = event;
    const key = `${runId} ${payload.kind}`;
    const index = open.get(key);
    const earlier = index === undefined ? undefined : kept[index];
    switch (payload.kind) {
      case 'PROGRESS':
      case 'MEMORY':
        if (index !== undefined) kept[index] = undefined;
        open.set(key, kept.length);
        kept.push(earlier ? { ...event, payload: merge(earlier.payload, payload) } : event);
        break;
      case 'METRICS':
        if (index !== undefined && earlier) {
          kept[index] = { ...event, payload: merge(earlier.payload, payload) };
        } else {
          open.set(key, kept.length);
          kept.push(event);
        }
        break;
      case 'STATUS':
      case 'EPOCH':
      case 'LOG':
      case 'PREDICTIONS':
      case 'PRUNED':
        open.delete(`${runId} METRICS`);
        kept.push(event);
    }
  }
  return kept.filter((event) => event !== undefined);
}

function merge(earlier: RunEventPayload, later: RunEventPayload): RunEventPayload {
  if (earlier.kind === 'METRICS' && later.kind === 'METRICS') {
    return { kind: 'METRICS', points: [...earlier.points, ...later.points] };
  }
  if (earlier.kind === 'MEMORY' && later.kind === 'MEMORY') {
    const peak = Math.max(earlier.point.peak, later.point.peak);
    return { kind: 'MEMORY', point: { ...later.point, peak } };
  }
  return later;
}
