import { useSyncExternalStore } from 'react';
import { ago, moment } from '../format/times.ts';

/** When something happened, roughly and kept up to date; exactly on hover. */
export function Moment({ at }: { readonly at: string }) {
  const ticked = useSyncExternalStore(clock.listen, clock.get);
  // What has happened since the clock ticked is not in the future.
  const now = Math.max(ticked, Math.min(Date.parse(at), Date.now()));
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(at, now)}
    </time>
  );
}

/** One clock for all moments in sight; it stands still while there are none. */
const clock = (() => {
  const interval = 10_000;
  const listeners = new Set<() => void>();
  let now = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const tick = () => {
    now = Date.now();
    for (const listener of listeners) listener();
  };
  return {
    get: () => now,
    listen(listener: () => void): () => void {
      if (listeners.size === 0) {
        now = Date.now();
        timer = setInterval(tick, interval);
      }
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) clearInterval(timer);
      };
    },
  };
})();
