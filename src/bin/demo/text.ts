/** How the demo writes numbers and plans. */

import type { ProbePlan, SweepPlan } from './presets.ts';
import type { MetricValue, ProbeTarget } from './trainingOperations.ts';

const nonFiniteText = { NAN: 'NaN', POSITIVE_INFINITY: 'inf', NEGATIVE_INFINITY: '-inf' } as const;

export function formatMetric({ value, nonFinite }: MetricValue, digits = 3): string {
  return value === null ? nonFiniteText[nonFinite ?? 'NAN'] : value.toFixed(digits);
}

export function formatPercent(rate: number): string {
  return `${(100 * rate).toFixed(1)} %`;
}

export function formatMemory(bytes: number | null): string {
  return bytes === null ? '-' : `${Math.round(bytes / 2 ** 20)} MiB`;
}

export function formatSpeed(imagesPerSecond: number | null): string {
  return imagesPerSecond === null ? '-' : `${Math.round(imagesPerSecond)} img/s`;
}

export function formatSeconds(seconds: number | null): string {
  if (seconds === null) return '-';
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} min`;
}

export function formatSize({ height, width }: { readonly height: number; readonly width: number }): string {
  return `${height}x${width}`;
}

export function describeProbe({ targets, effectiveBatchSize, budgetMebibytes }: ProbePlan): string {
  const [first] = targets;
  const what =
    targets.length === 1 ? `${first!.architecture} ${formatSize(first!.size)}` : `${targets.length} networks`;
  return `${what}, ${effectiveBatchSize} images a step, budget ${budgetMebibytes} MiB`;
}

/** `2 architectures x 2 preprocessings = 4 runs`; of one architecture, what is done to its images. */
export function describeSweep({ architectures, preprocessings }: SweepPlan): string {
  if (architectures.length > 1) {
    const count = architectures.length * preprocessings.length;
    return `${architectures.length} architectures x ${preprocessings.length} preprocessings = ${count} runs`;
  }
  const ways = preprocessings.map(
    ({ itemTransform: { size, method }, size: seen }) =>
      `${method.toLowerCase()} ${formatSize(size)} at ${formatSize(seen)}`,
  );
  return `${architectures[0]} x (${ways.join('; ')})`;
}

/** Which accumulation the budget allows; of several networks, one line for each accumulation. */
export function recommendationLines(targets: readonly ProbeTarget[]): string[] {
  if (targets.length === 1) return [recommendationOf(targets[0]!)];
  const networks = new Map<string, string[]>();
  for (const target of targets) {
    const line = recommendationOf(target);
    networks.set(line, [...(networks.get(line) ?? []), `${target.architecture} ${formatSize(target.size)}`]);
  }
  return [...networks].map(([line, names]) => `${line}: ${names.join(', ')}`);
}

function recommendationOf({ recommendation, failure }: ProbeTarget): string {
  if (recommendation !== null) return `accumulation ${recommendation} stays below the budget`;
  return `no accumulation stays below the budget${failure ? ` (${failure.message})` : ''}`;
}
