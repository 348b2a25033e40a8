import Table from 'cli-table3';
import type { Ensemble, LeaderboardEntry, MemoryProbe, RunConfig } from './operations.ts';
import { formatMemory, formatMetric, formatPercent, formatSeconds, formatSize, formatSpeed } from './text.ts';

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

export function probeTable({ trials }: MemoryProbe): string {
  return table(
    ['accumulation', 'micro-batch', 'peak memory', 'speed', 'outcome'],
    trials.map((t) => [
      String(t.accumulation),
      String(t.microBatchSize),
      formatMemory(t.peakMemory),
      formatSpeed(t.imagesPerSecond),
      t.outcome.toLowerCase().replaceAll('_', ' ') + (t.message ? ` (${t.message})` : ''),
    ]),
    [0, 1, 2, 3],
  );
}

/** Entries that were scored on other validation images than the entry above are marked, with a line below that says so. */
export function leaderboardTable(entries: readonly LeaderboardEntry[], metric: string): string {
  const rate = /error_rate|accuracy/.test(metric);
  const drawn = table(
    ['#', 'run', 'item transform', 'size', 'accum.', metric, 'speed', 'peak memory', 'trained'],
    entries.map(({ rank, node }) => {
      const { run, ensemble, value } = node;
      const score = rate && value.value !== null ? formatPercent(value.value) : formatMetric(value);
      return [
        String(rank),
        run?.name ?? `ensemble ${ensemble?.name}`,
        run ? describeItem(run.config) : '',
        run ? formatSize(run.config.size) : '',
        run ? String(run.config.accumulation) : '',
        node.comparable ? score : `${score} *`,
        formatSpeed(node.imagesPerSecond),
        formatMemory(node.peakMemory),
        formatSeconds(node.trainSeconds),
      ];
    }),
    [0, 4, 5, 6, 7, 8],
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
