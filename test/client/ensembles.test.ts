/** Ensembles in the browser: runs are picked and weighed, what comes of it is seen at once, saved, submitted and downloaded. */

import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../client/src/routes.ts';
import type { ApiServer } from '../support/apiServer.ts';
import { axeViolations, hasBrowser, launchBrowser, openTab, type Visit } from '../support/browser.ts';
import { startDashboard } from '../support/dashboard.ts';
import { writeFolder } from '../support/imageFiles.ts';
import { hostile } from './hostile.ts';
import { settled } from './settled.ts';
import { ended, importedDataset, started, write } from './world.ts';

const labels = ['blast', 'healthy', 'tungro'];
const names = ['first', 'second', hostile.override];

interface Row {
  readonly imageId: string;
  readonly label: string | null;
  readonly probabilities: readonly number[];
}

let server: ApiServer;
let browser: Browser;
let folder: string;
let experimentId: string;
const runIds: string[] = [];
beforeAll(async () => {
  if (!hasBrowser) return;
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-ensembles-'));
  const files: Record<string, number> = {};
  for (const label of labels) for (let i = 0; i < 15; i++) files[`train_images/${label}/${label}-${i}.jpg`] = i;
  for (let i = 0; i < 20; i++) files[`test_images/${100 + i}.jpg`] = i;
  await writeFolder(folder, files);
  [server, browser] = await Promise.all([startDashboard(), launchBrowser()]);
  const datasetId = await importedDataset(server, 'leaves', folder);
  const { experiment } = await write(
    server,
    'createExperiment',
    'CreateExperimentInput',
    { name: 'paddy', datasetId },
    'experiment { id }',
  );
  experimentId = experiment.id;
  for (const [seed, name] of names.entries()) {
    runIds.push(await started(server, experimentId, { name, config: { seed, splitSeed: 1, epochs: 1 } }));
  }
  // Validated on other images: on VALID it goes with none of them.
  runIds.push(
    await started(server, experimentId, { name: 'other images', config: { seed: 9, splitSeed: 2, epochs: 1 } }),
  );
  for (const id of runIds) expect(await ended(server, id)).toBe('SUCCEEDED');
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function rowsOf(runId: string, split: string): Promise<Row[]> {
  const { run } = await server.ask(
    `query ($id: ID!) { run(id: $id) { predictions { split rows(first: 100) { nodes { imageId label probabilities } } } } }`,
    { id: runId },
  );
  return run.predictions.find((set: { split: string }) => set.split === split).rows.nodes;
}

/** What the weighted mean predicts of each image, computed here once more. */
async function combined(weights: readonly (readonly [index: number, weight: number])[], split: string) {
  const tables = await Promise.all(weights.map(([index]) => rowsOf(runIds[index]!, split)));
  return tables[0]!.map(({ imageId, label }, row) => {
    const sums = labels.map((_, column) =>
      weights.reduce((sum, [, weight], i) => sum + weight * tables[i]![row]!.probabilities[column]!, 0),
    );
    return { imageId, label, predicted: labels[sums.indexOf(Math.max(...sums))]! };
  });
}

async function wrongText(weights: Parameters<typeof combined>[0]): Promise<string> {
  const rows = await combined(weights, 'VALID');
  return `${rows.filter(({ label, predicted }) => label !== predicted).length} of ${rows.length} images wrong`;
}

async function open(link: string): Promise<Visit> {
  const visit = await openTab(browser, server.url, { viewport: { width: 1280, height: 900 } });
  await visit.page.goto(link);
  await settled(visit.page);
  return visit;
}

const builder = (search = '') => routes.newEnsemble(experimentId) + search;
const score = (page: Page) => page.getByRole('region', { name: 'Validation' });
const weightOf = (page: Page, name: string) => page.getByRole('spinbutton', { name: `Weight of ${name} as a number` });

describe.runIf(hasBrowser)('the ensemble builder', () => {
  test('scores what is picked and weighed, saves it, and the CSV is what it predicts', async () => {
    const { page, problems, close } = await open(builder());
    await page.getByText('Nothing to score yet').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await page.getByRole('checkbox', { name: 'Combine first' }).check();
    await page.getByRole('checkbox', { name: 'Combine second' }).check();
    await page.getByRole('heading', { name: 'Members (2)' }).waitFor();
    await score(page)
      .getByText(
        await wrongText([
          [0, 1],
          [1, 1],
        ]),
      )
      .waitFor();

    await weightOf(page, 'second').fill('3');
    await page.getByText('75.0 %', { exact: true }).waitFor();
    const slider = page.getByRole('slider', { name: 'Weight of first' });
    await slider.press('Home');
    await slider.press('PageUp');
    await expect.poll(() => new URL(page.url()).searchParams.get('runs')).toContain(`${runIds[1]}:3`);
    const weight = Number(await weightOf(page, 'first').inputValue());
    expect(weight).toBeGreaterThan(0);
    const weights = [
      [0, weight],
      [1, 3],
    ] as const;
    await score(page)
      .getByText(await wrongText(weights))
      .waitFor();

    // All of it stands in the link.
    await page.getByLabel('Combined by').selectOption('Majority vote');
    await page.waitForURL(/method=MAJORITY_VOTE/);
    await page.reload();
    await settled(page);
    await page.getByRole('heading', { name: 'Members (2)' }).waitFor();
    await expect.poll(() => weightOf(page, 'second').inputValue()).toBe('3');
    await expect.poll(() => page.getByLabel('Combined by').inputValue()).toBe('MAJORITY_VOTE');
    await page.getByLabel('Combined by').selectOption('Mean');
    await expect.poll(() => page.url()).not.toContain('method');

    await page.getByRole('button', { name: 'Save' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('Must have 1 to 200 characters').waitFor();
    await dialog.getByLabel('Name').fill(hostile.html);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL('**/ensembles/ens_*');
    await page.getByRole('heading', { level: 1, name: hostile.html }).waitFor();

    await page.getByLabel('Message').fill(hostile.emoji);
    await page.getByRole('button', { name: 'Create the CSV' }).click();
    const link = page.getByRole('link', { name: 'Download' });
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    expect(download.suggestedFilename()).toMatch(/^paddy-img-src-x-onerror-[\w.-]+\.csv$/);
    const lines = (await combined(weights, 'TEST')).map(({ imageId, predicted }) => `${imageId},${predicted}\n`);
    expect(lines).toHaveLength(20);
    expect(await text(createReadStream(await download.path()))).toBe(`image_id,label\n${lines.join('')}`);
    await page.getByText(hostile.emoji).first().waitFor();

    const remove = page.getByRole('button', { name: /^Delete CSV/ });
    await remove.click();
    const question = page.getByRole('dialog', { name: 'Delete this submission?' });
    await question.getByText(hostile.emoji).waitFor();
    await expect.poll(() => axeViolations(page)).toEqual([]);
    await question.getByRole('button', { name: 'Keep' }).click();
    await expect.poll(() => link.count()).toBe(1);
    await remove.click();
    await question.getByRole('button', { name: 'Delete the submission' }).click();
    await page.getByText('None yet: each keeps the labels').waitFor();
    await expect.poll(() => question.count()).toBe(0);
    expect(problems).toEqual([]);
    await close();
  });

  test('takes rules, says what they match, and keeps the last figures while one is refused', async () => {
    const { page, problems, close } = await open(builder(`?where=${encodeURIComponent('1 name in (first, second)')}`));
    await page.getByText('Matches 2 runs').waitFor();
    const before = await wrongText([
      [0, 1],
      [1, 1],
    ]);
    await score(page).getByText(before).waitFor();

    await page.getByRole('button', { name: 'Add a line' }).click();
    const line = page.getByRole('textbox', { name: 'Runs of line 2' });
    await line.fill('name lik second');
    await page.getByText('expected one of = != like in').waitFor();
    await expect.poll(() => line.getAttribute('aria-invalid')).toBe('true');
    await page.getByText('these figures are of the members before').waitFor();
    await expect.poll(() => score(page).getByText(before).count()).toBe(1);

    await line.fill('name = second');
    await page.getByRole('spinbutton', { name: 'Weight of line 2' }).fill('4');
    await expect.poll(() => weightOf(page, 'second').inputValue()).toBe('4');
    await score(page)
      .getByText(
        await wrongText([
          [0, 1],
          [1, 4],
        ]),
      )
      .waitFor();

    // Left out although a line matches it, and as the line says again.
    await page.getByRole('button', { name: 'Leave out second' }).click();
    await page.getByRole('heading', { name: 'Members (1)' }).waitFor();
    await score(page)
      .getByText(await wrongText([[0, 1]]))
      .waitFor();
    await page.getByRole('button', { name: 'As line 2' }).click();
    await page.getByRole('heading', { name: 'Members (2)' }).waitFor();
    expect(new URL(page.url()).searchParams.get('where')).toBe('1 name in (first, second)\n4 name = second');
    expect(problems).toEqual([]);
    await close();
  });

  test('keeps what it showed while there is no answer, and tries again', async () => {
    const { page, problems, close } = await open(builder(`?runs=${runIds[0]},${runIds[1]}&show=uncertain`));
    const pictures = page.getByRole('list', { name: 'Images, least certain first' });
    const bars = page.getByRole('list', { name: 'Predicted labels' });
    await pictures.waitFor();
    await bars.waitFor();
    const answer = { errors: [{ message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } }] };
    await page.route('**/graphql', (route) =>
      /query Ensemble(Uncertain|Labels|SplitScore)/.test(route.request().postData() ?? '')
        ? route.fulfill({ json: answer })
        : route.continue(),
    );
    await weightOf(page, 'second').fill('3');
    const again = page.getByRole('button', { name: 'Try again' });
    await expect.poll(() => again.count()).toBe(3);
    expect([await pictures.count(), await bars.count()]).toEqual([1, 1]);
    await page.unroute('**/graphql');
    for (let left = 3; left > 0; left--) {
      await again.first().click();
      await expect.poll(() => again.count()).toBe(left - 1);
    }
    await score(page)
      .getByText(
        await wrongText([
          [0, 1],
          [1, 3],
        ]),
      )
      .waitFor();
    await expect.poll(() => page.locator('[aria-busy=true]').count()).toBe(0);
    expect(problems).toEqual([]);
    await close();
  });

  test('names members that do not fit', async () => {
    const { page, problems, close } = await open(builder(`?runs=${runIds[0]},${runIds[3]},run_gone`));
    await page.getByText('There is no run run_gone').first().waitFor();
    await page.getByRole('button', { name: 'Leave out run_gone' }).click();
    // On TEST they go together, on VALID they were scored on other images.
    await page.getByRole('list', { name: 'Predicted labels' }).waitFor();
    await score(page).getByText('No score on validation images').waitFor();
    await expect
      .poll(() => score(page).textContent())
      .toMatch(/run "first".*run "other images"|run "other images".*run "first"/);
    await expect.poll(() => axeViolations(page)).toEqual([]);
    expect(problems).toEqual([]);
    await close();
  });

  test('selects automatically, tells how, and what is made is edited as new or deleted', async () => {
    const { page, problems, close } = await open(builder(`?runs=${runIds.slice(0, 3).join(',')}`));
    await page.getByRole('heading', { name: 'Members (3)' }).waitFor();
    await page.getByRole('button', { name: 'Select automatically' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('selected');
    await dialog.getByLabel('Picks at most').fill('0');
    await dialog.getByLabel('Candidates').selectOption('members');
    await dialog.getByRole('button', { name: 'Select and save' }).click();
    await dialog.getByText('Must be from 1 to 500').waitFor();
    await dialog.getByLabel('Picks at most').fill('6');
    await dialog.getByRole('button', { name: 'Select and save' }).click();
    await page.getByRole('heading', { level: 1, name: 'selected' }).waitFor();
    const picks = page.getByRole('table', { name: 'Picks' }).getByRole('row');
    await expect.poll(() => picks.count()).toBe(7);
    await page.getByText('There is no score on other labelled images').waitFor();
    await page.getByRole('slider', { name: /^Error rate on validation images by pick/ }).waitFor();

    await page.getByRole('link', { name: 'Edit as new' }).click();
    await page.getByRole('heading', { level: 1, name: 'New ensemble' }).waitFor();
    await page.getByRole('heading', { name: /^Members \(\d\)/ }).waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete the ensemble' }).click();
    await page.waitForURL('**/experiments/exp_*?tab=ensembles');
    await page.getByText('The ensemble selected is deleted').waitFor();
    await page.getByRole('table', { name: 'Ensembles' }).waitFor();
    const { experiment } = await server.ask(
      'query ($id: ID!) { experiment(id: $id) { ensembles { nodes { name } } } }',
      {
        id: experimentId,
      },
    );
    expect(experiment.ensembles.nodes.map(({ name }: { name: string }) => name)).not.toContain('selected');
    await expect.poll(() => page.getByRole('link', { name: 'selected', exact: true }).count()).toBe(0);
    expect(problems).toEqual([]);
    await close();
  });

  test('a run that has a submission is deleted after it', async () => {
    const runId = runIds[3]!;
    await write(server, 'createSubmission', 'CreateSubmissionInput', { runId }, 'submission { id }');
    const { page, problems, close } = await open(`${routes.run(runId)}?tab=files`);
    const askDelete = async () => {
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    };
    await askDelete();
    await page.getByText(/"other images" is used by submission sub_.*; delete that first/).waitFor();
    await page.getByRole('button', { name: /^Delete CSV/ }).click();
    // Somebody else was faster: that is said, and its row goes.
    const { run } = await server.ask('query ($id: ID!) { run(id: $id) { submissions { id } } }', { id: runId });
    await server.ask('mutation ($id: ID!) { deleteSubmission(id: $id) { deletedId } }', { id: run.submissions[0].id });
    const question = page.getByRole('dialog', { name: 'Delete this submission?' });
    await question.getByRole('button', { name: 'Delete the submission' }).click();
    await question.getByText(`there is no submission ${run.submissions[0].id}`).waitFor();
    await question.getByRole('button', { name: 'Keep' }).click();
    await expect.poll(() => page.getByRole('table', { name: 'Submissions' }).count()).toBe(0);
    await askDelete();
    await page.waitForURL(`**${routes.experiment(experimentId)}`);
    expect(problems).toEqual([]);
    await close();
  });
});
