/** `node --import tsx bench/soak.ts [--kills 200] [--seed 1] [--epochs 12]`: the soak of docs/reliability.md, with its table. */

import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { soak, targets } from '../test/support/soak/soak.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '12' },
  },
});
// Takes its processes along.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const report = await soak({
  ...{ kills: Number(values.kills), seed: Number(values.seed), epochs: Number(values.epochs) },
  say: (line) => console.log(line),
});
const table = new Table({
  head: ['killed', 'kills', 'measured', 'median s', 'p95 s', 'max s', 'since back: p95 s', 'max s'],
  style: { head: [] },
});
for (const target of targets) {
  const kills = report.kills.filter((kill) => kill.target === target);
  const total = inOrder(kills.flatMap(({ recoverySeconds }) => recoverySeconds ?? []));
  const sinceBack = inOrder(kills.flatMap(({ secondsSinceBack }) => secondsSinceBack ?? []));
  table.push([
    ...[target, kills.length, total.length, at(total, 0.5), at(total, 0.95), at(total, 1)],
    ...(target === 'server' ? ['', ''] : [at(sinceBack, 0.95), at(sinceBack, 1)]),
  ]);
}
console.log(table.toString());
const { kills, runs, attempts, events, connections, seconds, unnamedBlobs, problems } = report;
console.log(
  `seed ${values.seed}: ${kills.length} kills in ${Math.round(seconds)} s; ${runs} runs in ${attempts} attempts, ${events} events over ${connections} connections, ${unnamedBlobs} blobs for the garbage collection`,
);
console.log(problems.length ? `${problems.length} problems:\n${problems.join('\n')}` : 'Everything holds.');
process.exit(problems.length ? 1 : 0);

function inOrder(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

function at(sorted: readonly number[], share: number): string {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(1) ?? '';
}
