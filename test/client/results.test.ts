/** What people do with what was trained: compare, combine, download; and how they get there. */

import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../client/src/routes.ts';
import type { ApiServer } from '../support/apiServer.ts';
import { zipBytes } from '../support/archiveFiles.ts';
import { hasBrowser, launchBrowser, openTab } from '../support/browser.ts';
import { experimentOf, testId } from '../support/catalogue.ts';
import { startDashboard } from '../support/dashboard.ts';
import { jpegBytes } from '../support/imageFiles.ts';
import { settled } from './settled.ts';
import { ended, started, write } from './world.ts';

const patience = { timeout: 60_000, interval: 50 };

let server: ApiServer;
let browser: Browser;
let experimentId: string;
let datasetId: string;
let archive: Buffer;
let runIds: string[];
const runNames = ['first', 'second', 'third'];

beforeAll(async () => {
  if (!hasBrowser) return;
  const parts = await Promise.all(
    ['blast', 'hispa', 'normal'].flatMap((label, l) =>
      Array.from({ length: 8 }, async (_, i) => ({
        name: `train_images/${label}/${100 * l + i}.jpg`,
        data: await jpegBytes({ seed: 100 * l + i }),
      })),
    ),
  );
  const tests = await Promise.all(
    Array.from({ length: 5 }, async (_, i) => ({
      name: `test_images/${900 + i}.jpg`,
      data: await jpegBytes({ seed: 900 + i }),
    })),
  );
  archive = zipBytes([...parts, ...tests, { name: 'train_images/blast/torn.jpg', data: 'no image at all' }]);
  [server, browser] = await Promise.all([startDashboard(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** Presses Tab until what has the focus is called so. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let presses = 0; presses < 150; presses++) {
    await page.keyboard.press('Tab');
    const focused = (await page.evaluate(`(() => {
      const e = document.activeElement;
      return e.getAttribute('aria-label') ?? e.labels?.[0]?.textContent ?? e.textContent;
    })()`)) as string;
    if (name.test(focused.trim())) return;
  }
  throw new Error(`Tab does not lead to ${name}`);
}

describe.runIf(hasBrowser)('from images to a submission', () => {
  test('an archive is sent and imported, and what was not taken is told by file', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await page.goto(`${routes.datasets}/new`);
    await settled(page);
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'leaves.zip', mimeType: 'application/zip', buffer: archive });
    await page.getByRole('button', { name: 'Send and import' }).click();
    await page.getByRole('heading', { level: 1, name: 'leaves' }).waitFor();
    datasetId = new URL(page.url()).pathname.split('/').at(-1)!;
    await page.getByRole('link', { name: /^Problems/ }).click();
    await page.getByRole('region', { name: 'Import problems' }).getByText('train_images/blast/torn.jpg').waitFor();
    const { dataset } = await server.ask('query ($id: ID!) { dataset(id: $id) { status trainCount } }', {
      id: datasetId,
    });
    expect(dataset).toEqual({ status: 'READY', trainCount: 24 });
    // Thumbnails are really pictures.
    await page.getByRole('link', { name: /^Images/ }).click();
    const picture = page.getByRole('main').locator('img').first();
    await expect.poll(() => picture.evaluate((e: HTMLImageElement) => e.naturalWidth), patience).toBeGreaterThan(0);
    expect(problems).toEqual([]);
    await close();
  });

  test('by keyboard alone an experiment is made, a run started and watched', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await page.goto('/');
    await settled(page);
    await tabTo(page, /^New experiment$/);
    await page.keyboard.press('Enter');
    await tabTo(page, /^Name/);
    await page.keyboard.type('by keyboard');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'by keyboard' }).waitFor();
    experimentId = new URL(page.url()).pathname.split('/').at(-1)!;
    await tabTo(page, /^Start run$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: /^Start/ }).waitFor();
    await tabTo(page, /^Search architectures/);
    await page.keyboard.type('convnext_atto');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await tabTo(page, /^Load as/);
    await page.keyboard.type('64');
    await tabTo(page, /^Train at/);
    await page.keyboard.type('32');
    await tabTo(page, /^Batch size/);
    await page.keyboard.press('Control+A');
    await page.keyboard.type('4');
    await tabTo(page, /^Pretrained$/);
    await page.keyboard.press('ArrowDown');
    await tabTo(page, /^Advanced$/);
    await page.keyboard.press('Enter');
    await tabTo(page, /^Weights$/);
    await page.keyboard.type('story');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: /convnext_atto/ }).waitFor();
    await page.getByRole('main').getByText('Succeeded', { exact: true }).first().waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  test('runs are chosen on the leaderboard and compared: their differences, and who is best', async () => {
    const start = (name: string, seed: number) =>
      started(server, experimentId, { name, config: { seed, splitSeed: 1 } });
    runIds = await Promise.all(runNames.map(start));
    for (const id of runIds) expect(await ended(server, id)).toBe('SUCCEEDED');
    const { page, problems, close } = await openTab(browser, server.url);
    await page.goto(routes.experiment(experimentId));
    for (const name of runNames.slice(0, 2)) await page.getByRole('checkbox', { name: `Select ${name}` }).check();
    await page.getByRole('region', { name: 'Selected rows' }).getByRole('link', { name: 'Compare' }).click();
    await page.getByRole('heading', { level: 1, name: 'Compare 2 runs' }).waitFor();
    const config = page.getByRole('region', { name: 'Config' });
    await page.getByRole('checkbox', { name: 'Only differences' }).check();
    const cells = await config
      .getByRole('row', { name: /^seed\b/ })
      .getByRole('cell')
      .allInnerTexts();
    expect(cells).toEqual(['0', '1']);
    await expect.poll(() => config.getByRole('row', { name: /^architecture/ }).count()).toBe(0);

    const row = page.getByRole('region', { name: 'Metrics' }).getByRole('row', { name: /^valid\/error_rate/ });
    await expect.poll(() => row.getByText('best').count()).toBe(1);
    expect(problems).toEqual([]);
    await close();
  });

  test('an ensemble is weighed, saved and submitted; its CSV is the API’s, byte for byte', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await page.goto(`${routes.newEnsemble(experimentId)}?runs=${runIds.slice(0, 2).join(',')}`);
    await settled(page);
    await page.getByRole('checkbox', { name: 'Combine third' }).check();
    await page.getByLabel('Weight of third as a number').fill('2');
    await page.getByRole('heading', { name: 'Members (3)' }).waitFor();
    await page.getByRole('button', { name: /^Save/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('three of them');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { level: 1, name: 'three of them' }).waitFor();
    const ensembleId = new URL(page.url()).pathname.split('/').at(-1)!;
    await page.getByLabel('Message').fill('from the browser');
    await page.getByRole('button', { name: 'Create the CSV' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download', exact: true }).click(),
    ]);
    const bytes = await readFile(await download.path());

    const members = runIds.map((runId, i) => ({ runId, weight: i === 2 ? 2 : 1 }));
    const { ensemble } = await write(
      server,
      ...([
        'createEnsemble',
        'CreateEnsembleInput',
        { experimentId, name: 'by the API', members },
        'ensemble { id }',
      ] as const),
    );
    const { submission } = await write(
      server,
      ...([
        'createSubmission',
        'CreateSubmissionInput',
        { ensembleId: ensemble.id },
        'submission { csvUrl rowCount }',
      ] as const),
    );
    expect(submission.rowCount).toBe(5);
    const response = await fetch(server.url + submission.csvUrl);
    expect(bytes.equals(Buffer.from(await response.arrayBuffer()))).toBe(true);
    const { node } = await server.ask(
      'query ($id: ID!) { node(id: $id) { ... on Ensemble { name members { weight run { name } } submissions { message } } } }',
      { id: ensembleId },
    );
    expect(node.submissions).toEqual([{ message: 'from the browser' }]);
    expect(new Map(node.members.map((m: { weight: number; run: { name: string } }) => [m.run.name, m.weight]))).toEqual(
      new Map([
        ['first', 1],
        ['second', 1],
        ['third', 2],
      ]),
    );
    expect(problems).toEqual([]);
    await close();
  });
});

describe.runIf(hasBrowser)('ten thousand runs', () => {
  const count = 10_000;
  let own: string;
  beforeAll(async () => {
    const { prisma, pool } = server.context.db;
    own = await experimentOf(prisma, null, { name: 'large' });
    const config = { architecture: 'convnext_atto', seed: 1, validFraction: 0.2, labels: null };
    await prisma.run.createMany({
      data: Array.from({ length: count }, (_, i) => ({
        ...{ id: testId('run'), name: `run ${i}`, kind: 'TRAINED' as const, status: 'SUCCEEDED' as const, config },
        ...{ experimentId: own, architecture: 'convnext_atto', objectiveValue: i / count, objectiveStep: 1n },
      })),
    });
    await pool.query('analyze run');
  });

  test('are a leaderboard that scrolls, with few rows in the document', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await page.goto(routes.experiment(own));
    const table = page.getByRole('table', { name: 'Leaderboard' });
    await table.getByText('run 0', { exact: true }).waitFor();
    await expect.poll(() => table.getAttribute('aria-rowcount')).toBe(String(count + 1));
    const frame = page.getByRole('region', { name: 'Leaderboard' });
    for (const target of [150, 350, 750]) {
      // Where the rows end that are there, more are fetched.
      await expect
        .poll(async () => {
          await frame.evaluate((e) => e.scrollTo(0, e.scrollHeight));
          const last = await table.getByRole('row').last().getAttribute('aria-rowindex');
          return Number(last);
        }, patience)
        .toBeGreaterThan(target);
      await expect.poll(() => table.getByRole('row').count()).toBeLessThan(80);
    }
    const names = await table.getByRole('row').last().textContent();
    expect(names).toMatch(/run \d{3}/);
    expect(problems).toEqual([]);
    await close();
  });
});
