import Table from 'cli-table3';
import type { Ensemble, LeaderboardEntry } from './operations.ts';
import { formatMemory, formatMetric, formatPercent, formatSeconds, formatSize, formatSpeed } from './text.ts';
import type { MetricValue, ProbeTarget, RunConfig } from './trainingOperations.ts';

/** The same look for all: plain rules, no colours, so that it pastes. */
function table(head: string[], rows: string[][], numeric: readonly number[]): string {
  const drawn = new Table({
    head,
    colAligns: head.map((_, i) => (numeric.includes(i) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
  drawn.push(...rows);
  return drawn.toString();
}

/** A trial that was ended when memory ran out shows what it had by then. With several networks, the first line of each tells which. */
export function probeTable(targets: readonly ProbeTarget[]): string {
  const several = targets.length > 1;
  return table(
    [...(several ? ['network', 'size'] : []), 'accumulation', 'micro-batch', 'peak memory', 'speed', 'outcome'],
    targets.flatMap(({ architecture, size, trials }) =>
      trials.map((t, i) => [
        ...(several ? (i === 0 ? [architecture, formatSize(size)] : ['', '']) : []),
        String(t.accumulation),
        String(t.microBatchSize),
        (t.outcome === 'OUT_OF_MEMORY' && t.peakMemory !== null ? '> ' : '') + formatMemory(t.peakMemory),
        formatSpeed(t.imagesPerSecond),
        describeOutcome(t),
      ]),
    ),
    several ? [2, 3, 4, 5] : [0, 1, 2, 3],
  );
}

/**
 * A run with the score of its best epoch and that of the weights it keeps, the last epoch's, of which an ensemble is made. Entries that were
 * scored on other validation images than the entry above are marked, with a line below that says so.
 */
export function leaderboardTable(entries: readonly LeaderboardEntry[], metric: string): string {
  const rate = /error_rate|accuracy/.test(metric);
  const format = (value: MetricValue | null) =>
    value && (rate && value.value !== null ? formatPercent(value.value) : formatMetric(value));
  const drawn = table(
    ['#', 'run', 'item transform', 'size', 'accum.', 'best epoch', 'final model', 'speed', 'peak memory', 'trained'],
    entries.map(({ rank, node }) => {
      const { run, ensemble, value, predictionValue } = node;
      const scores = [run && format(value), format(predictionValue)];
      const mark = node.comparable ? '' : ' *';
      return [
        String(rank),
        run?.name ?? `ensemble ${ensemble?.name}`,
        run ? describeItem(run.config) : '',
        run ? formatSize(run.config.size) : '',
        run ? String(run.config.accumulation) : '',
        ...scores.map((score) => (score === null ? '-' : score + mark)),
        formatSpeed(node.imagesPerSecond),
        formatMemory(node.peakMemory),
        formatSeconds(node.trainSeconds),
      ];
    }),
    [0, 4, 5, 6, 7, 8, 9],
  );
  if (entries.every(({ node }) => node.comparable)) return drawn;
  return `${drawn}\n* scored on other validation images than the entry above: not comparable`;
}

export function ensembleTable({ members }: Ensemble): string {
  return table(
    ['member', 'weight', 'share'],
    members.map(({ run, weight, share }) => [run.name, String(weight), formatPercent(share)]),
    [1, 2],
  );
}

function describeItem({ itemTransform: { size, method } }: RunConfig): string {
  return `${method.toLowerCase()} ${formatSize(size)}`;
}

function describeOutcome({ outcome, message, cached }: ProbeTarget['trials'][number]): string {
  const text = outcome.toLowerCase().replaceAll('_', ' ');
  if (outcome === 'FAILED') return `${text} (${message})`;
  return cached ? `${text} (measured before)` : text;
}
