/** How long the stages of the demo take. */
export interface Stopwatch {
  /** Runs a stage and notes how long it took; stages of one name are added up. */
  time<T>(stage: string, work: () => Promise<T>): Promise<T>;
  /** By stage, and the total so far. */
  seconds(): Record<string, number>;
  total(): number;
}

export function createStopwatch(): Stopwatch {
  const began = performance.now();
  const noted: Record<string, number> = {};
  const rounded = (milliseconds: number) => Math.round(milliseconds) / 1000;
  const total = () => rounded(performance.now() - began);
  return {
    async time(stage, work) {
      const start = performance.now();
      const value = await work();
      noted[stage] = (noted[stage] ?? 0) + performance.now() - start;
      return value;
    },
    seconds: () => ({
      ...Object.fromEntries(Object.entries(noted).map(([stage, spent]) => [stage, rounded(spent)])),
      total: total(),
    }),
    total,
  };
}
