/** The page of an experiment: its leaderboard while runs train, its link, what is done to many runs, and what scores cost. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mostCompared } from '../../client/src/domain/mostCompared.ts';
import { routes } from '../../client/src/routes.ts';
import { insertEnsemble } from '../../src/store/ensemble.ts';
import { type Attempt, attemptAt, epoch, leaves, points, queuedRun, vocab } from '../api/fixtures.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { axeViolations, hasBrowser, launchBrowser, openTab } from '../support/browser.ts';
import { drawnPredictions, experimentOf, testId } from '../support/catalogue.ts';
import { settled } from './settled.ts';

const patience = { timeout: 60_000, interval: 25 };

let server: ApiServer;
let browser: Browser;
let datasetId: string;
let experimentId: string;
let experiments = 0;
/** Of the runs `slow`, `quick` and `poor`; only `quick` goes on. */
let quick: Attempt;

beforeAll(async () => {
  if (!hasBrowser) return;
  [server, browser] = await Promise.all([apiServer(), launchBrowser()]);
  datasetId = await leaves(server.context, 'leaves');
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

async function trained(name: string, errorRate: number): Promise<Attempt> {
  const attempt = await attemptAt(server.context, await queuedRun(server.context, experimentId, name));
  await attempt.tell([points(1, { 'valid/error_rate': errorRate, 'valid/loss': 2 * errorRate }), epoch(0, errorRate)]);
  return attempt;
}

beforeEach(async () => {
  if (!hasBrowser) return;
  experimentId = await experimentOf(server.context.db.prisma, datasetId, { name: `ranked ${++experiments}` });
  await (await trained('slow', 0.2)).succeed();
  await (await trained('poor', 0.4)).succeed();
  quick = await trained('quick', 0.3);
});

async function opened(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await settled(page);
}

/** Names of the rows from the top, as they stand on the screen. */
async function names(page: Page): Promise<string[]> {
  const rows = page.getByRole('table', { name: 'Leaderboard' }).getByRole('row');
  const found = await rows.evaluateAll((all: Element[]) =>
    all.map((row) => [Number(row.getAttribute('aria-rowindex')), row.querySelector('a')?.textContent ?? ''] as const),
  );
  return found
    .filter(([, name]) => name !== '')
    .sort(([a], [b]) => a - b)
    .map(([, name]) => name);
}

describe.runIf(hasBrowser)('a leaderboard', () => {
  test('follows its runs; rows change at once and move when the pointer has left them', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await opened(page, routes.experiment(experimentId));
    await expect.poll(() => names(page), patience).toEqual(['slow', 'quick', 'poor']);
    const row = page.getByRole('row').filter({ hasText: 'quick' });
    await row.hover();
    await quick.tell([points(2, { 'valid/error_rate': 0.1 }), epoch(1, 0.1)]);
    await row.getByText('10.00 %').waitFor();
    await row.getByText('up 1 place').waitFor();
    await expect.poll(() => names(page)).toEqual(['slow', 'quick', 'poor']);
    await page.getByText('Places have changed').waitFor();
    await page.mouse.move(0, 0);
    await expect.poll(() => names(page), patience).toEqual(['quick', 'slow', 'poor']);
    await quick.succeed();
    await row.getByText('Succeeded').waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  test('keeps rows and focus while a filter is being written, and says what is wrong with it', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await opened(page, routes.experiment(experimentId));
    await expect.poll(() => names(page), patience).toHaveLength(3);
    const field = page.getByRole('searchbox', { name: 'Filter' });
    await field.pressSequentially('name likes s');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    await expect.poll(() => alert.textContent()).toMatch(/position 6/i);
    await expect.poll(() => names(page)).toHaveLength(3);
    await expect.poll(() => field.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    await expect.poll(() => axeViolations(page)).toEqual([]);
    await field.fill('name like s* or name = poor');
    await expect.poll(() => names(page), patience).toEqual(['slow', 'poor']);
    await expect.poll(() => alert.count()).toBe(0);
    expect(problems).toEqual([]);
    await close();
  });

  test('is what its link says: order, columns, score', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await opened(page, routes.experiment(experimentId));
    await page.getByRole('button', { name: 'Name' }).click();
    await expect.poll(() => names(page), patience).toEqual(['poor', 'quick', 'slow']);
    await page.getByRole('button', { name: 'Columns' }).click();
    const dialog = page.getByRole('dialog', { name: 'Columns' });
    await dialog.getByRole('checkbox', { name: 'valid/loss' }).check();
    await dialog.getByRole('checkbox', { name: 'itemTransform.size.height' }).check();
    await dialog.getByRole('checkbox', { name: 'Tags' }).uncheck();
    await expect.poll(() => axeViolations(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Done' }).click();
    const look = async () => {
      await expect.poll(() => names(page), patience).toEqual(['poor', 'quick', 'slow']);
      await expect.poll(() => page.getByRole('columnheader', { name: 'Tags' }).count()).toBe(0);
      const row = page.getByRole('row').filter({ hasText: 'slow' });
      await row.getByRole('cell', { name: '0.4000' }).waitFor();
      await row.getByRole('cell', { name: '64', exact: true }).waitFor();
    };
    await look();
    await page.reload();
    await look();
    await page.getByRole('combobox', { name: 'Score', exact: true }).selectOption('valid/loss');
    await expect.poll(() => names(page), patience).toEqual(['slow', 'quick', 'poor']);
    expect(problems).toEqual([]);
    await close();
  });

  test('keeps what was told while an older answer was on its way', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    let subscriptions = 0;
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => {
        if (/"type":"subscribe".*subscription LeaderboardUpdates/s.test(String(payload))) subscriptions++;
      }),
    );
    await opened(page, routes.experiment(experimentId));
    await expect.poll(() => names(page), patience).toEqual(['slow', 'quick', 'poor']);
    const row = page.getByRole('row').filter({ hasText: 'quick' });
    let held = 0;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/graphql', async (route) => {
      if (!route.request().postData()?.includes('query Leaderboard(')) return route.fallback();
      const response = await route.fetch();
      held++;
      await released;
      return route.fulfill({ response });
    });
    await quick.tell([points(2, { 'valid/error_rate': 0.25 }), epoch(1, 0.25)]);
    await row.getByText('25.00 %').waitFor();
    // As when one comes back to the tab; what has just been read is not read again.
    const look = () => page.evaluate("dispatchEvent(new Event('visibilitychange'))").then(() => held);
    await expect.poll(look, patience).toBe(1);
    await quick.tell([points(3, { 'valid/error_rate': 0.1 }), epoch(2, 0.1)]);
    await row.getByText('10.00 %').waitFor();
    const before = subscriptions;
    release();
    await expect.poll(() => subscriptions, patience).toBeGreaterThan(before);
    await expect.poll(() => names(page), patience).toEqual(['quick', 'slow', 'poor']);
    await row.getByText('10.00 %').waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  test('has its selection again when one comes back from comparing, and no other time', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    const bar = page.getByRole('region', { name: 'Selected rows' });
    const box = (name: string) => page.getByRole('checkbox', { name: `Select ${name}`, exact: true });
    await opened(page, routes.experiment(experimentId));
    await box('slow').check();
    await box('quick').check();
    // A selected row that is not listed stays selected, too.
    await page.getByRole('searchbox', { name: 'Filter' }).fill('not name = slow');
    await expect.poll(() => names(page), patience).toEqual(['quick', 'poor']);
    await bar.getByRole('link', { name: 'Compare' }).click();
    await page.getByRole('heading', { level: 1, name: 'Compare 2 runs' }).waitFor();
    await page.goBack();
    await bar.getByText('2 selected').waitFor();
    expect([await box('quick').isChecked(), await box('poor').isChecked()]).toEqual([true, false]);
    await page.getByRole('searchbox', { name: 'Filter' }).fill('');
    await expect.poll(() => names(page), patience).toEqual(['slow', 'quick', 'poor']);
    expect([await box('slow').isChecked(), await box('poor').isChecked()]).toEqual([true, false]);
    await page.reload();
    await bar.getByText('2 selected').waitFor();
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByRole('table', { name: 'Runs' }).waitFor();
    await expect.poll(() => bar.count()).toBe(0);
    await page.goBack();
    await bar.getByRole('button', { name: 'Clear' }).click();
    await bar.waitFor({ state: 'detached' });
    await page.reload();
    await expect.poll(() => names(page), patience).toHaveLength(3);
    await expect.poll(() => bar.count()).toBe(0);
    expect(problems).toEqual([]);
    await close();
  });

  test('is compared by twenty runs at most: a link that names more says so, and which are gone', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    const other = await trained('other', 0.5);
    const ids = [other.runId, ...Array.from({ length: mostCompared - 1 }, () => testId('run')), quick.runId];
    await opened(page, routes.compare(ids));
    const runs = page.getByRole('list', { name: 'Runs' }).getByRole('link');
    await page.getByText(`This link names ${ids.length} runs; the first ${mostCompared} are compared.`).waitFor();
    await page.getByText(`${mostCompared - 1} of the runs that this link names are not there any more.`).waitFor();
    await expect.poll(() => runs.allTextContents(), patience).toEqual(['other']);
    await page.getByRole('button', { name: 'Leave out other' }).click();
    await expect.poll(() => runs.allTextContents(), patience).toEqual(['quick']);
    await page.getByText('are compared.').waitFor({ state: 'detached' });
    expect(problems).toEqual([]);
    await close();
  });

  test('shows the best epoch beside the final model, by which an ensemble compares with its members', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await insertEnsemble(
      server.context.db.prisma,
      { id: testId('ensemble'), name: 'mixed', experimentId, method: 'MEAN', createdAt: new Date(), selection: null },
      {
        members: [{ runId: quick.runId, weight: 1 }],
        scores: [{ split: 'VALID', rowsHash: 'h', errorRate: 0.6, accuracy: 0.4, logLoss: 1 }],
        input: {},
      },
    );
    await opened(page, routes.experiment(experimentId));
    await expect.poll(() => names(page), patience).toEqual(['slow', 'quick', 'poor', 'mixed']);
    await page.getByText('4 entries by valid/error_rate; ensembles rank by their final model').waitFor();
    await page.getByRole('button', { name: 'Final model' }).click();
    await expect.poll(async () => (await names(page))[0], patience).toBe('mixed');
    expect(new URL(page.url()).search).toBe('?sort=final');
    await page.mouse.move(0, 0);
    // What is stored while one looks takes its place.
    const probabilities = new Float32Array([1, 0, 0, 0, 0, 1]);
    const predictions = drawnPredictions(1, ['100.jpg', '101.jpg'], vocab, { split: 'VALID', probabilities });
    await quick.tell([{ kind: 'predictions', predictions }]);
    await expect.poll(async () => (await names(page)).slice(0, 2), patience).toEqual(['quick', 'mixed']);
    await page.reload();
    await expect.poll(async () => (await names(page)).slice(0, 2), patience).toEqual(['quick', 'mixed']);
    const rows = page.getByRole('table', { name: 'Leaderboard' }).getByRole('row');
    const scores = await rows.evaluateAll((all: Element[]) =>
      all.map((row) => [...row.querySelectorAll('[role=cell]')].map((cell) => cell.textContent)),
    );
    expect(scores.filter((cells) => cells.length).map((cells) => [cells[1], ...cells.slice(3, 5)])).toEqual([
      ['2', '30.00 %', '50.00 %'],
      ['4', '–', '60.00 %'],
      ['1', '20.00 %', '–'],
      ['3', '40.00 %', '–'],
    ]);
    await expect
      .poll(() => page.getByRole('columnheader', { name: 'Final model' }).getAttribute('aria-sort'))
      .toBe('ascending');
    await expect.poll(() => axeViolations(page)).toEqual([]);
    await page.getByRole('combobox', { name: 'Scored on' }).selectOption('TRAIN');
    await page.getByRole('columnheader', { name: 'Final model' }).waitFor({ state: 'detached' });
    expect(problems).toEqual([]);
    await close();
  });

  test('lets many runs be tagged and deleted; what is refused is told by run and stays', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await opened(page, routes.experiment(experimentId));
    await page.getByRole('checkbox', { name: 'Select all', exact: true }).check();
    const bar = page.getByRole('region', { name: 'Selected rows' });
    await bar.getByRole('button', { name: 'Tag' }).click();
    await page.getByRole('combobox', { name: 'Tags' }).fill('kept, for later');
    await page.getByRole('button', { name: 'Add to all' }).click();
    await page.getByRole('row').filter({ hasText: 'slow' }).getByText('for later').waitFor();

    await bar.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete 3 runs?' });
    await dialog.getByText('poor').waitFor();
    await dialog.getByRole('button', { name: 'Delete 3 runs' }).click();
    await dialog.getByText('2 deleted, 1 not').waitFor();
    await expect
      .poll(() => dialog.getByRole('listitem').allTextContents())
      .toEqual([expect.stringMatching(/^quick.*RUNNING/)]);
    await expect.poll(() => axeViolations(page)).toEqual([]);
    await dialog.getByText('Close', { exact: true }).click();
    await expect.poll(() => names(page), patience).toEqual(['quick']);
    await bar.getByText('1 selected').waitFor();
    const { experiment } = await server.ask(
      'query ($id: ID!) { experiment(id: $id) { runs { nodes { name tags } } } }',
      {
        id: experimentId,
      },
    );
    expect(experiment.runs.nodes).toEqual([{ name: 'quick', tags: ['kept', 'for later'] }]);
    expect(problems).toEqual([]);
    await close();
  });

  test('has a plot of what scores cost, which is gone through by keys and leads to runs', async () => {
    await quick.succeed();
    const { page, problems, close } = await openTab(browser, server.url);
    await opened(page, `${routes.experiment(experimentId)}?tab=scatter`);
    const plot = page.getByRole('listbox');
    await plot.waitFor();
    // Every run took as long as the others: the best of them is the front.
    await page.getByText('3 runs, 1 on the Pareto front').waitFor();
    await page.getByText('List', { exact: true }).click();
    const best = page.getByRole('row').filter({ hasText: 'on it' });
    await expect.poll(() => best.allTextContents(), patience).toEqual([expect.stringContaining('slow')]);
    await page.getByText('Plot', { exact: true }).click();
    await plot.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/runs\/run_/);
    expect(problems).toEqual([]);
    await close();
  });
});
