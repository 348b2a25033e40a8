/**
 * Many subscribers of running runs: what each of them gets, how late, and what they cost the server. Server, subscribers and writer
 * are processes of their own: `node --import tsx bench/subscriptions.ts [--subscribers 500] [--runs 5] [--rate 20] [--seconds 120]`.
 * `rate`: events a second of each run, each committed on its own; every subscriber follows one run.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import type { CommandContext } from '../src/commands/context.ts';
import { attemptAt, leaves, points, queuedRun } from '../test/api/fixtures.ts';
import { experimentOf } from '../test/support/catalogue.ts';
import { subscribeRaw } from '../test/support/rawSubscription.ts';
import { withServer } from './installation.ts';

const { values } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '500' },
    runs: { type: 'string', default: '5' },
    rate: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '120' },
    /** Of the process of the subscribers. */
    follow: { type: 'string' },
    run: { type: 'string', multiple: true, default: [] },
  },
});
const [subscribers, runs, rate, seconds] = [values.subscribers, values.runs, values.rate, values.seconds].map(
  Number,
) as [number, number, number, number];

const runEvents = `subscription ($id: ID!) { runEvents(runId: $id, kinds: [METRICS], maxStepRateHz: null) {
  cursor events { cursor at ... on MetricsLogged { series { name points { step value { value } } } } }
} }`;
interface Batch {
  readonly events: readonly { readonly series: readonly { readonly points: readonly [Point] }[] }[];
}
interface Point {
  /** Counts the events of a run. */
  readonly step: number;
  /** Milliseconds: when its commit was asked for. */
  readonly value: { readonly value: number };
}

interface Figures {
  readonly delivered: number;
  readonly lost: number;
  readonly duplicate: number;
  /** Of sockets that were closed before the end. */
  readonly closed: number;
  /** Milliseconds from before the commit until the subscriber has read it. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The subscribers' process: counts until it is told the number of events per run, then until all have come. */
function followAll(url: string, runIds: readonly string[]): void {
  const latencies: number[] = [];
  const last = new Array<number>(subscribers).fill(0);
  const counts = { lost: 0, duplicate: 0, closed: 0 };
  let ready = 0;
  const sockets = last.map((_, i) => {
    const session = subscribeRaw<Batch>(
      url,
      runEvents,
      { id: runIds[i % runIds.length] },
      {
        next: ({ events }) => {
          for (const { series } of events) {
            const { step, value } = series[0]!.points[0];
            if (step === 0) {
              if (++ready === subscribers) process.send!('ready');
              continue;
            }
            latencies.push(Date.now() - value.value);
            if (step <= last[i]!) counts.duplicate++;
            else counts.lost += step - last[i]! - 1;
            last[i] = Math.max(last[i]!, step);
          }
        },
        error: (errors) => console.error(JSON.stringify(errors)),
      },
    );
    void session.closed.then(() => counts.closed++);
    return session.socket;
  });
  process.on('message', async (total: number) => {
    const deadline = Date.now() + 30_000;
    while (last.some((step) => step < total) && Date.now() < deadline) await sleep(50);
    for (const step of last) counts.lost += total - step;
    const sorted = Float64Array.from(latencies).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
    const figures: Figures = { delivered: sorted.length, ...counts, p50: at(0.5), p99: at(0.99), max: at(1) };
    for (const socket of sockets) socket.close();
    process.send!(figures, () => process.disconnect());
  });
}

async function writeAndMeasure(ctx: CommandContext, url: string): Promise<void> {
  const experimentId = await experimentOf(ctx.db.prisma, await leaves(ctx, 'leaves'));
  const attempts = [];
  for (let i = 0; i < runs; i++) {
    const runId = await queuedRun(ctx, experimentId);
    const attempt = await attemptAt(ctx, runId);
    await attempt.tell([points(0, { 'train/loss': 0 })]);
    attempts.push({ runId, attempt });
  }

  const metric = async (name: string) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(new RegExp(`^${name}\\S* (\\S+)`, 'm').exec(text)![1]);
  };
  const resident = async () => (await metric('process_resident_memory_bytes')) / 2 ** 20;
  const processorSeconds = () => metric('process_cpu_seconds_total');
  const atStart = await resident();
  const follower = fork(
    import.meta.filename,
    [...['--follow', url, '--subscribers', values.subscribers], ...attempts.flatMap(({ runId }) => ['--run', runId])],
    { execArgv: ['--import', 'tsx'] },
  );
  await once(follower, 'message');
  const idle = await resident();

  const total = rate * seconds;
  let peak = idle;
  const watching = setInterval(() => {
    void resident().then((bytes) => {
      peak = Math.max(peak, bytes);
    });
  }, 1000);
  const spentBefore = await processorSeconds();
  const start = Date.now();
  const writers = attempts.map(async ({ attempt }, i) => {
    for (let step = 1; step <= total; step++) {
      // Runs are not in step with one another; who is late catches up.
      const due = start + (step - 1 + i / runs) * (1000 / rate);
      if (due > Date.now()) await sleep(due - Date.now());
      await attempt.tell([points(step, { 'train/loss': Date.now(), 'train/lr': step, 'valid/loss': step })]);
    }
  });
  await Promise.all(writers);
  const took = (Date.now() - start) / 1000;
  clearInterval(watching);
  const spent = (await processorSeconds()) - spentBefore;
  follower.send(total);
  const [figures] = (await once(follower, 'message')) as [Figures];
  await once(follower, 'exit');
  await sleep(5_000); // what is left is collected
  const after = await resident();
  const table = new Table({ style: { head: [] } });
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  const mib = (value: number) => `${value.toFixed(0)} MiB`;
  table.push(
    ['subscribers, runs, events/s of each run', `${subscribers}, ${runs}, ${(total / took).toFixed(1)}`],
    ['events expected', String(total * subscribers)],
    ['delivered', String(figures.delivered)],
    ['lost, duplicate, sockets closed', `${figures.lost}, ${figures.duplicate}, ${figures.closed}`],
    ['processor time of the server', `${spent.toFixed(1)} s in ${took.toFixed(1)} s`],
    ['latency p50, p99, longest', [figures.p50, figures.p99, figures.max].map(ms).join(', ')],
    ['resident memory before subscribers, idle', `${mib(atStart)}, ${mib(idle)}`],
    ['  while events come (peak), 5 s after all left', `${mib(peak)}, ${mib(after)}`],
  );
  console.log(table.toString());
  const problems = figures.lost + figures.duplicate + figures.closed;
  if (problems || figures.delivered !== total * subscribers) process.exitCode = 1;
}

if (values.follow === undefined) await withServer(writeAndMeasure);
else followAll(values.follow, values.run);
