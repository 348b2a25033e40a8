/** A run in the browser from the form to its end, over a server that dies in the middle. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { significant } from '../../client/src/format/numbers.ts';
import { routes } from '../../client/src/routes.ts';
import { startRun } from '../../src/commands/run.ts';
import { hasBrowser, launchBrowser, openTab } from '../support/browser.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { freePort } from '../support/freePort.ts';
import { quickRetries } from '../support/retries.ts';
import { endedRun, smallConfig, trainableExperiment } from '../support/runs.ts';
import { type ServerProcess, startServerProcess } from '../support/serverProcess.ts';
import { type TestWorker, testWorker } from '../support/worker.ts';
import { settled } from './settled.ts';

const patience = { timeout: 60_000, interval: 50 };

let ctx: TestContext;
let worker: TestWorker;
let home: string;
let server: ServerProcess;
let browser: Browser;
let experimentId: string;
beforeAll(async () => {
  if (!hasBrowser) return;
  ctx = { ...(await testContext()), retries: quickRetries };
  home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-dashboard-'));
  experimentId = await trainableExperiment(ctx);
  [worker, browser, server] = await Promise.all([
    testWorker(ctx),
    launchBrowser(),
    startServer(String(await freePort())),
  ]);
});
afterAll(async () => {
  await browser?.close();
  server?.child.kill('SIGTERM');
  await server?.finished;
  await worker?.stop();
  await ctx?.close();
  if (home) await rm(home, { recursive: true });
});

function startServer(port: string): Promise<ServerProcess> {
  return startServerProcess({ DATABASE_URL: ctx.url, RUNGRAPH_HOME: home, PORT: port });
}

/** What the browser says while there is no server. */
const tolerated = /WebSocket connection|net::ERR_|status of 503/;

const runIdOf = (page: Page) => new URL(page.url()).pathname.split('/').at(-1)!;

/** Fills the form so that the scripted trainer plays a part. */
async function start(page: Page, part: string, { name, epochs }: { readonly name: string; readonly epochs: number }) {
  await page.goto(routes.start(experimentId));
  await settled(page);
  await page.getByLabel('Search architectures').fill('convnext_atto');
  await page.getByRole('checkbox', { name: 'convnext_atto', exact: true }).check();
  await page.getByLabel('Load as').fill('64');
  await page.getByLabel('Train at').fill('32');
  await page.getByLabel('Epochs', { exact: true }).fill(String(epochs));
  await page.getByLabel('Batch size').fill('4');
  await page.getByText('Advanced').click();
  await page.getByLabel('Pretrained', { exact: true }).selectOption({ label: 'No, random' });
  await page.getByLabel('Weights', { exact: true }).fill(part);
  await page.getByLabel('Name', { exact: true }).last().fill(name);
  await page.getByRole('button', { name: 'Start run' }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

const status = (page: Page, word: string) => page.getByRole('main').getByText(word, { exact: true }).first().waitFor();

interface Stored {
  readonly status: string;
  readonly metrics: readonly {
    readonly name: string;
    readonly points: readonly { readonly step: number; readonly value: { readonly value: number | null } }[];
  }[];
  readonly logs: { readonly nodes: readonly { readonly at: string; readonly stream: string; readonly line: string }[] };
}

/** The run as it is stored. */
async function stored(id: string): Promise<Stored> {
  const { run } = await server.ask(
    `query ($id: ID!) { run(id: $id) {
      status
      metrics: metricHistory(names: ["train/loss", "valid/error_rate"], maxPoints: 1000) { name points { step value { value } } }
      logs(first: 1000) { nodes { at stream line } }
    } }`,
    { id },
  );
  return run;
}

/** What a chart says of each of its points, from the first to the last, as the arrow keys go. */
async function walk(page: Page, chart: string): Promise<string[]> {
  const slider = page.getByRole('slider', { name: new RegExp(`^${chart}\\.`) });
  await slider.press('Home');
  const said: string[] = [];
  for (let left = Number(await slider.getAttribute('aria-valuemax')); left >= 0; left--) {
    said.push((await slider.getAttribute('aria-valuetext'))!);
    await slider.press('ArrowRight');
  }
  return said;
}

/** The step of the newest point of a chart; 0: it has none. Every step before it must be there once. */
async function lastPoint(chart: Locator): Promise<number> {
  await chart.press('End');
  const [place, text] = await chart.evaluate((e) => [e.ariaValueNow, e.ariaValueText]);
  const step = Number(/^Step (\d+):/.exec(text ?? '')?.[1] ?? 0);
  if (step) expect(step).toBe(Number(place) + 1);
  return step;
}

/** Compares what a chart of losses says of its points with what is stored. */
async function expectStored(page: Page, runId: string): Promise<number> {
  const said = await walk(page, 'Loss');
  const { metrics } = await stored(runId);
  const losses = metrics.find(({ name }) => name === 'train/loss')!.points;
  for (const [i, text] of said.entries()) {
    const { step, value } = losses[i]!;
    const told = value.value === null ? 'NaN' : significant(value.value);
    expect(text).toMatch(new RegExp(`^Step ${step}: train ${told},`));
  }
  return said.length;
}

/** The whole of what the log tab has, by its own download. */
async function downloadLog(page: Page): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download' }).click(),
  ]);
  return readFile(await download.path(), 'utf8');
}

describe.runIf(hasBrowser)('a run', () => {
  test('is started from the form, refused where it is wrong, and watched until it has succeeded', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await page.goto(routes.start(experimentId));
    await settled(page);
    await page.getByRole('button', { name: 'Start run' }).click();
    await expect.poll(() => page.getByLabel('Search architectures').getAttribute('aria-invalid')).toBe('true');

    await start(page, 'story 150', { name: 'from the form', epochs: 2 });
    await page.getByRole('progressbar').waitFor();
    await status(page, 'Succeeded');
    expect((await stored(runIdOf(page))).status).toBe('SUCCEEDED');
    expect(await expectStored(page, runIdOf(page))).toBe(30);
    expect(problems).toEqual([]);
    await close();
  });

  test('goes on before the eyes of its readers when the server dies: a banner comes and goes, nothing is missed or doubled', async () => {
    const { page, problems, close } = await openTab(browser, server.url, { tolerated });
    // Longer than any patience: it is canceled when all has been seen.
    await start(page, 'story 200', { name: 'outlives the server', epochs: 79 });
    const runId = runIdOf(page);
    const reader = await page.context().newPage();
    await reader.goto(`${server.url}${routes.run(runId)}?tab=log`);
    const chart = page.getByRole('slider', { name: /^Loss\./ });
    const lastLine = reader
      .getByRole('log')
      .getByText(/^step \d+ loss/)
      .last();
    await expect.poll(() => lastPoint(chart), patience).toBeGreaterThan(5);
    await lastLine.waitFor();
    // They stay the same pages to the end.
    for (const tab of [page, reader]) await tab.evaluate('window.sameAsBefore = true');

    server.child.kill('SIGKILL');
    await server.finished;
    const banner = (tab: Page) => tab.getByRole('status').getByText('The connection to the server was lost');
    await Promise.all([banner(page).waitFor(), banner(reader).waitFor()]);
    const before = await lastPoint(chart);
    server = await startServer(new URL(server.url).port);
    await Promise.all([page, reader].map((tab) => banner(tab).waitFor({ state: 'hidden' })));
    await expect.poll(() => lastPoint(chart), patience).toBeGreaterThan(before + 10);
    expect(await expectStored(page, runId)).toBeGreaterThan(before + 10);

    await server.ask('mutation ($id: ID!) { cancelRun(id: $id) { run { id } } }', { id: runId });
    await Promise.all([status(page, 'Canceled'), status(reader, 'Canceled')]);
    const { logs } = await stored(runId);
    const lines = logs.nodes.map(({ at, stream, line }) => `${at} ${stream} ${line}\n`);
    expect(lines.length).toBeGreaterThan(before + 10);
    await reader.getByText(`${lines.length} lines`).waitFor();
    expect(await downloadLog(reader)).toBe(lines.join(''));
    for (const tab of [page, reader]) expect(await tab.evaluate('window.sameAsBefore')).toBe(true);
    expect(problems).toEqual([]);
    await close();
  });

  test('is canceled after a question, and begun again', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await page.addInitScript(noteDrawnText);
    await start(page, 'patient FROZEN', { name: 'patient', epochs: 1 });
    await status(page, 'Running');
    // Nothing is measured yet: axes have no numbers.
    const drawn = () => page.evaluate('window.drawnText') as Promise<string[]>;
    await expect.poll(drawn, patience).toContain('Step');
    expect((await drawn()).filter((text) => /\d/.test(text))).toEqual([]);
    await page.getByRole('button', { name: 'Cancel run' }).click();
    const question = page.getByRole('dialog', { name: 'Cancel patient?' });
    await question.getByRole('button', { name: 'Keep' }).click();
    await question.waitFor({ state: 'hidden' });
    expect((await stored(runIdOf(page))).status).toBe('RUNNING');
    await page.getByRole('button', { name: 'Cancel run' }).click();
    await question.getByRole('button', { name: 'Cancel run' }).click();
    await status(page, 'Canceled');
    expect((await stored(runIdOf(page))).status).toBe('CANCELED');
    await page.getByRole('button', { name: 'Retry' }).click();
    await status(page, 'Running');
    await page.getByRole('button', { name: 'Cancel run' }).click();
    await question.getByRole('button', { name: 'Cancel run' }).click();
    await status(page, 'Canceled');
    expect(problems).toEqual([]);
    await close();
  });

  test('has a line in its charts where another attempt began', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await page.addInitScript(noteDrawnText);
    await start(page, 'slow 100000', { name: 'twice', epochs: 1 });
    const chart = page.getByRole('slider', { name: /^Loss\./ });
    const cancel = async () => {
      await server.ask('mutation ($id: ID!) { cancelRun(id: $id) { run { id } } }', { id: runIdOf(page) });
      await status(page, 'Canceled');
    };
    await expect.poll(() => lastPoint(chart), patience).toBeGreaterThan(5);
    await cancel();
    const { metrics } = await stored(runIdOf(page));
    const before = metrics.find(({ name }) => name === 'train/loss')!.points.at(-1)!.step;
    await expect.poll(() => lastPoint(chart), patience).toBe(before);
    await expect.poll(() => chart.getAttribute('aria-label')).not.toContain('Attempt');
    await page.getByRole('button', { name: 'Retry' }).click();
    await expect.poll(() => chart.getAttribute('aria-label'), patience).toContain(`Attempt 2 from Step ${before + 1}`);
    await expect.poll(() => page.evaluate('window.drawnText'), patience).toContain('Attempt 2');
    await cancel();
    expect(problems).toEqual([]);
    await close();
  });

  test('shows the image that a link leads to, on whatever page of its predictions it is', async () => {
    const large = await trainableExperiment(ctx, { blast: 250, normal: 250 });
    const runId = await startRun(ctx, {
      experimentId: large,
      config: { ...smallConfig, seed: 0, weightsUri: 'story' },
    });
    expect((await endedRun(ctx, runId)).status).toBe('SUCCEEDED');
    const { run } = await server.ask(
      `query ($id: ID!) { run(id: $id) { predictions { split rows(first: 1000, orderBy: IMAGE_ID) { nodes { imageId } } } } }`,
      { id: runId },
    );
    const valid = run.predictions.find(({ split }: { split: string }) => split === 'VALID');
    const ids: string[] = valid.rows.nodes.map(({ imageId }: { imageId: string }) => imageId);
    expect(ids).toHaveLength(100);

    // The files of this data set are not there.
    const { page, problems, close } = await openTab(browser, server.url, { tolerated: /status of 404/ });
    const link = (image: string) =>
      `${routes.run(runId)}?tab=predictions&set=VALID-PLAIN&order=IMAGE_ID&image=${image}`;
    await page.goto(link(ids.at(-1)!));
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('heading', { name: ids.at(-1)! }).waitFor();
    await dialog.getByRole('button', { name: 'Previous' }).click();
    await dialog.getByRole('heading', { name: ids.at(-2)! }).waitFor();
    await page.goto(link('elsewhere.jpg'));
    await page.getByText('The image of this link is not among these').waitFor();
    await expect.poll(() => dialog.count()).toBe(0);
    await page.getByRole('button', { name: 'Never mind' }).click();
    await page.getByText('The image of this link').waitFor({ state: 'hidden' });
    expect(problems).toEqual([]);
    await close();
  });
});

/** Keeps what is written on canvases of the page. */
const noteDrawnText = `
  window.drawnText = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    window.drawnText.push(text);
    return fillText.call(this, text, ...rest);
  };
`;
