import type { RunEvent } from '../domain/runEvent.ts';

/** Bytes of a batch, about: what waits for a slow client is one for each of its operations. */
const batchBytes = 2 ** 20;

/** Bytes of an event in memory, roughly: only points and text make it large. */
export function weight({ payload }: RunEvent): number {
  const fixed = 500;
  if (payload.kind === 'METRICS') return fixed + 100 * payload.points.length;
  return payload.kind === 'LOG' ? fixed + 2 * payload.line.length : fixed;
}

/** How many of the first events make a batch; at least one. */
export function batchLength(events: readonly RunEvent[]): number {
  let bytes = 0;
  const over = events.findIndex((event) => {
    bytes += weight(event);
    return bytes > batchBytes;
  });
  return over === -1 ? events.length : Math.max(1, over);
}
