import { useEffect } from 'react';
import { isOver, type RunFacts } from './runState.ts';

/** Milliseconds. */
const pause = 5_000;

/** Takes new snapshots while a run is under way and one looks at what no event tells: its files, the machine that an attempt found itself on. */
export function useRefresh({ status }: RunFacts, reload: () => void): void {
  const over = isOver(status);
  useEffect(() => {
    if (over) return;
    reload();
    const timer = setInterval(reload, pause);
    return () => clearInterval(timer);
  }, [over, reload]);
}
