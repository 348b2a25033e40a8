/**
 * The dashboard in a browser: bytes and time of the first load, frame times while runs stream, heap of a tab after a long look.
 * `node --import tsx bench/dashboard.ts [--loads 7] [--runs 8] [--rate 20] [--seconds 20] [--minutes 30]`.
 * `rate`: events a second of each run; `minutes`: how long a look is imitated, by as many events as come in that time, sent as fast as they are taken.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { routes } from '../client/src/routes.ts';
import type { CommandContext } from '../src/commands/context.ts';
import type { TrainerEvent } from '../src/domain/trainer.ts';
import { type Attempt, attemptAt, epoch, leaves, points, queuedRun } from '../test/api/fixtures.ts';
import { hasBrowser, launchBrowser } from '../test/support/browser.ts';
import { experimentOf } from '../test/support/catalogue.ts';
import { withServer } from './installation.ts';

const { values } = parseArgs({
  options: {
    loads: { type: 'string', default: '7' },
    runs: { type: 'string', default: '8' },
    rate: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '30' },
  },
});
const loads = Number(values.loads);
const runs = Number(values.runs);
const rate = Number(values.rate);
const seconds = Number(values.seconds);
const minutes = Number(values.minutes);

const window = { width: 1280, height: 860 };
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const ms = (value: number) => `${value.toFixed(value < 100 ? 1 : 0)} ms`;
const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

function print(rows: readonly (readonly string[])[]): void {
  const table = new Table({ style: { head: [] } });
  for (const row of rows) table.push([...row]);
  console.log(table.toString());
}

interface Load {
  readonly bytes: ReadonlyMap<string, number>;
  /** Milliseconds since the navigation began: something is painted; what one came for is there; and no long task is left. */
  readonly painted: number;
  readonly shown: number;
  readonly interactive: number;
}

/** A first visit: nothing is in the cache. `awaited`: selector of what one came for. `later`: with what is fetched once there is nothing else to do. */
async function firstLoad(browser: Browser, url: string, awaited: string, later: boolean): Promise<Load> {
  const context = await browser.newContext({ viewport: window });
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  const bytes = new Map<string, number>();
  const types = new Map<string, string>();
  network.on('Network.responseReceived', ({ requestId, type }) => types.set(requestId, type));
  network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const type = types.get(requestId) ?? 'Other';
    bytes.set(type, (bytes.get(type) ?? 0) + encodedDataLength);
  });
  await network.send('Network.enable');
  if (!later) await page.addInitScript('window.requestIdleCallback = () => 0');
  await page.addInitScript(`{
    const look = window.look = { busyUntil: 0, shown: null };
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) look.busyUntil = startTime + duration;
    }).observe({ type: 'longtask', buffered: true });
    const wait = () => {
      if (document.querySelector(${JSON.stringify(awaited)})) look.shown = performance.now();
      else requestAnimationFrame(wait);
    };
    requestAnimationFrame(wait);
  }`);
  await page.goto(url, { waitUntil: 'networkidle' });
  await page.waitForSelector(awaited);
  for (let before = -1; later && before < types.size; ) {
    before = types.size;
    await sleep(4_000);
  }
  const [painted, shown, busyUntil] = (await page.evaluate(
    `[performance.getEntriesByName('first-contentful-paint')[0].startTime, look.shown, look.busyUntil]`,
  )) as [number, number, number];
  await context.close();
  return { bytes, painted, shown, interactive: Math.max(shown, busyUntil) };
}

async function measureLoads(browser: Browser, url: string): Promise<void> {
  const medianOf = async (address: string, awaited: string, later = false) => {
    const all: Load[] = [];
    for (let i = 0; i < (later ? 1 : loads); i++) all.push(await firstLoad(browser, address, awaited, later));
    const median = (of: (load: Load) => number) =>
      quantile(
        all.map(of).sort((a, b) => a - b),
        0.5,
      );
    const { bytes } = all[0]!;
    const total = [...bytes.values()].reduce((a, b) => a + b, 0);
    const parts = [...bytes].map(([type, size]) => `${type} ${(size / 1000).toFixed(1)}`);
    return [
      `${(total / 1000).toFixed(1)} kB: ${parts.join(', ')}`,
      ms(median(({ painted }) => painted)),
      ms(median(({ shown }) => shown)),
      ms(median(({ interactive }) => interactive)),
    ];
  };
  print([
    ['first load, cold', 'over the wire', 'painted', 'content', 'interactive'],
    ['dashboard', ...(await medianOf(`${url}/`, '[role=table] a'))],
    ['  and the code of all pages, when idle', ...(await medianOf(`${url}/`, '[role=table] a', true))],
    ['GraphiQL of the same server', ...(await medianOf(`${url}/graphiql`, '.graphiql-execute-button'))],
  ]);
}

/** Milliseconds between frames, for so many seconds. */
async function frameTimes(page: Page): Promise<number[]> {
  const times = await page.evaluate(`new Promise((resolve) => {
    const times = [];
    let before = performance.now();
    const end = before + ${1000 * seconds};
    const frame = (now) => {
      times.push(now - before);
      before = now;
      if (now < end) requestAnimationFrame(frame);
      else resolve(times.slice(1));
    };
    requestAnimationFrame(frame);
  })`);
  return (times as number[]).sort((a, b) => a - b);
}

const values5 = (step: number) => ({
  'train/loss': 2 / Math.sqrt(step) + 0.1 * Math.sin(step),
  'train/loss_smooth': 2 / Math.sqrt(step),
  'lr/0': 1e-5 * (1 + Math.sin(step / 500)),
  'lr/1': 1e-3 * (1 + Math.sin(step / 500)),
  momentum: 0.9,
});

/** What a trainer tells of a step: series; every 10th time memory and progress; every 200th an epoch. */
function eventsOf(step: number, total: number): TrainerEvent[] {
  const events = [points(step, values5(step))];
  if (step % 10 === 0) {
    const used = 5e8 + (step % 1000) * 1000;
    events.push({ kind: 'memory', point: { step, used, peak: used + 1e7, deviceUsed: null, deviceTotal: 8e9 } });
    const progress = { phase: 'UNFROZEN', epoch: 0, epochs: 1, batch: step, batches: total } as const;
    events.push({ kind: 'progress', progress: { ...progress, imagesPerSecond: 100, etaSeconds: 60 } });
  }
  if (step % 200 === 0) {
    events.push(points(step, { 'valid/loss': 2 / Math.sqrt(step), 'valid/error_rate': 1 / Math.sqrt(step) }));
    events.push(epoch(step / 200 - 1, 1 / Math.sqrt(step)));
  }
  return events;
}

async function measureFrames(
  browser: Browser,
  url: string,
  experimentId: string,
  attempts: readonly Started[],
): Promise<void> {
  let streaming = true;
  const begun = Date.now();
  let told = 0;
  const writers = attempts.map(async ({ attempt }, i) => {
    for (let step = 1; streaming; step++) {
      const due = begun + (step - 1 + i / attempts.length) * (1000 / rate);
      if (due > Date.now()) await sleep(due - Date.now());
      await attempt.tell(eventsOf(step, 1e6));
      told++;
    }
  });
  const rows = [['frames while runs stream', 'p50', 'p95', 'longest', 'over 50 ms']];
  const look = async (name: string, link: string | null) => {
    const page = await browser.newPage({ viewport: window });
    if (link !== null) {
      await page.goto(url + link);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await sleep(2_000); // its code has been compiled
    }
    const times = await frameTimes(page);
    const slow = times.filter((time) => time > 50).length;
    rows.push([
      name,
      ms(quantile(times, 0.5)),
      ms(quantile(times, 0.95)),
      ms(times.at(-1)!),
      `${slow} of ${times.length}`,
    ]);
    await page.close();
  };
  await look('an empty page', null);
  await look('leaderboard', routes.experiment(experimentId));
  await look('scatter plot', `${routes.experiment(experimentId)}?tab=scatter`);
  await look('run', routes.run(attempts[0]!.runId));
  await look('run, its log', `${routes.run(attempts[0]!.runId)}?tab=log`);
  await look('comparison of all of them', routes.compare(attempts.map(({ runId }) => runId)));
  streaming = false;
  await Promise.all(writers);
  print(rows);
  const reached = told / ((Date.now() - begun) / 1000) / attempts.length;
  console.log(`${attempts.length} runs, ${reached.toFixed(1)} steps/s of each were told\n`);
}

async function heapOf(session: CDPSession): Promise<number> {
  for (let i = 0; i < 2; i++) await session.send('HeapProfiler.collectGarbage');
  return (await session.send('Runtime.getHeapUsage')).usedSize;
}

async function measureHeap(
  browser: Browser,
  url: string,
  experimentId: string,
  { runId, attempt }: Started,
): Promise<void> {
  const total = minutes * 60 * rate;
  const tabs = await Promise.all(
    [routes.run(runId), routes.experiment(experimentId)].map(async (link) => {
      const page = await browser.newPage({ viewport: window });
      await page.goto(url + link);
      await page.getByRole('heading', { level: 1 }).waitFor();
      const session = await page.context().newCDPSession(page);
      await session.send('HeapProfiler.enable');
      return { page, session };
    }),
  );
  const rows = [['heap after so many steps', 'run page', 'leaderboard', 'nodes of the run page']];
  const mark = async (step: number) => {
    const nodes = (await tabs[0]!.page.evaluate(`document.querySelectorAll('*').length`)) as number;
    const heaps = await Promise.all(tabs.map(({ session }) => heapOf(session)));
    rows.push([`${step} (${(step / rate / 60).toFixed(0)} min)`, ...heaps.map(mebibytes), String(nodes)]);
  };
  await mark(0);
  const chunk = 100;
  for (let step = 1; step <= total; step += chunk) {
    await attempt.tell(Array.from({ length: chunk }, (_, i) => eventsOf(step + i, total)).flat());
    const last = step + chunk - 1;
    if (last % (total / 6) >= chunk) continue;
    await tabs[0]!.page.getByText(`batch ${last} of ${total}`).waitFor({ timeout: 120_000 });
    await mark(last);
  }
  print(rows);
}

interface Started {
  readonly runId: string;
  readonly attempt: Attempt;
}

async function measure(ctx: CommandContext, url: string): Promise<void> {
  const experimentId = await experimentOf(ctx.db.prisma, await leaves(ctx, 'leaves'));
  const begin = async (name: string): Promise<Started> => {
    const runId = await queuedRun(ctx, experimentId, name);
    return { runId, attempt: await attemptAt(ctx, runId) };
  };
  const attempts: Started[] = [];
  for (let i = 0; i < runs; i++) attempts.push(await begin(`run ${i}`));
  const browser = await launchBrowser();
  try {
    await measureLoads(browser, url);
    await measureFrames(browser, url, experimentId, attempts);
    await measureHeap(browser, url, experimentId, await begin('a long one'));
  } finally {
    await browser.close();
  }
}

if (hasBrowser) await withServer(measure);
