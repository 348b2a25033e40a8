/** What is started in the browser: sweeps, refusals at their fields, answers that get lost; memory probes and what follows from them. */

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../client/src/routes.ts';
import type { ApiServer } from '../support/apiServer.ts';
import { hasBrowser, launchBrowser, openTab, type Visit } from '../support/browser.ts';
import { startDashboard } from '../support/dashboard.ts';
import { settled } from './settled.ts';
import { ended, importedDataset, started, write, writeImages } from './world.ts';

let server: ApiServer;
let browser: Browser;
let folder: string;
let datasetId: string;
beforeAll(async () => {
  if (!hasBrowser) return;
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-starting-'));
  await writeImages(folder, ['blast', 'healthy', 'tungro']);
  [server, browser] = await Promise.all([startDashboard(), launchBrowser()]);
  datasetId = await importedDataset(server, 'leaves', folder);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function newExperiment(name: string): Promise<string> {
  const { experiment } = await write(
    server,
    'createExperiment',
    'CreateExperimentInput',
    { name, datasetId },
    'experiment { id }',
  );
  return experiment.id;
}

async function runsOf(experimentId: string): Promise<{ name: string; config: Record<string, unknown> }[]> {
  const { experiment } = await server.ask(
    'query ($id: ID!) { experiment(id: $id) { runs(first: 100) { nodes { name config } } } }',
    { id: experimentId },
  );
  return experiment.runs.nodes;
}

async function open(link: string): Promise<Visit> {
  const visit = await openTab(browser, server.url, { viewport: { width: 1280, height: 900 } });
  await visit.page.goto(link);
  await settled(visit.page);
  return visit;
}

/** The form filled in by its link: what is small and played by the scripted trainer. */
const small = (experimentId: string, more: Record<string, string> = {}) =>
  routes.start(experimentId, {
    ...{ arch: 'convnext_atto', prep: 'crop:64:32', effectiveBatchSize: '4', epochs: '1' },
    ...{ pretrained: 'false', weightsUri: 'story' },
    ...more,
  });

const field = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true });
const planned = (page: Page) => page.getByRole('table', { name: 'What will be queued' }).getByRole('row');

describe.runIf(hasBrowser)('the form of runs and sweeps', () => {
  test('shows what will be queued while it is filled in, and refusals at their fields', async () => {
    const experimentId = await newExperiment('refusals');
    const { page, problems, close } = await open(small(experimentId));
    await field(page, 'Accumulation').fill('1, 3');
    await expect.poll(() => planned(page).count()).toBe(3);
    const accumulation = field(page, 'Accumulation');
    await expect.poll(() => accumulation.getAttribute('aria-invalid')).toBe('true');
    await page.getByText('3: must divide “Batch size” (4) without remainder, got 3').waitFor();
    // And in its row of the plan.
    await expect.poll(() => planned(page).nth(1).textContent()).not.toContain('must divide');
    await expect.poll(() => planned(page).nth(2).textContent()).toContain('Accumulation: must divide');

    // The server refuses it all the same, and nothing is queued.
    await page.getByRole('button', { name: 'Start sweep' }).click();
    await expect.poll(() => page.evaluate('document.activeElement.getAttribute("aria-invalid")')).toBe('true');
    expect(await runsOf(experimentId)).toEqual([]);

    // What the page knows to be wrong is told at once, all of it.
    await field(page, 'Learning rate').fill('-1');
    await field(page, 'Epochs').fill('0');
    await page.getByText('-1 is too small: it must be more than 0').waitFor();
    await page.getByText('0 is too small: it must be 1 or more').waitFor();
    await field(page, 'Learning rate').fill('0.01');
    await field(page, 'Epochs').fill('1');

    await accumulation.fill('1, 2');
    await expect.poll(() => accumulation.getAttribute('aria-invalid')).toBe('false');
    await page.getByRole('button', { name: 'Start sweep' }).click();
    await page.waitForURL('**/sweeps/*');
    expect((await runsOf(experimentId)).map(({ config }) => config.accumulation).sort()).toEqual([1, 2]);
    expect(problems).toEqual([]);
    await close();
  });

  test('an answer that is lost starts nothing twice', async () => {
    const experimentId = await newExperiment('lost answers');
    const { page, close } = await open(small(experimentId));
    let sent = 0;
    // The request arrives, its answer does not.
    await page.route('**/graphql', async (route) => {
      if (!route.request().postData()?.includes('mutation StartRun')) return route.continue();
      sent++;
      if (sent > 1) return route.continue();
      await route.fetch();
      return route.abort('connectionreset');
    });
    const button = page.getByRole('button', { name: 'Start run' });
    await button.click();
    await page.getByText('No answer').waitFor();
    expect(await runsOf(experimentId)).toHaveLength(1);
    await button.click();
    await page.waitForURL('**/runs/*');
    expect(sent).toBe(2);
    expect(await runsOf(experimentId)).toHaveLength(1);
    await close();
  });

  test('stands in its link: a reload keeps what was typed', async () => {
    const experimentId = await newExperiment('links');
    const { page, problems, close } = await open(routes.start(experimentId));
    await page.getByLabel('Search architectures').fill('vit_tiny');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await field(page, 'Learning rate').fill('0.01, 0.003');
    await field(page, 'Name').last().fill('a, b & <i>c</i>');
    await page.waitForURL(/name=/);
    await page.reload();
    await settled(page);
    await expect
      .poll(() => page.getByRole('checkbox', { name: 'vit_tiny_patch16_224', exact: true }).isChecked())
      .toBe(true);
    await expect.poll(() => field(page, 'Learning rate').inputValue()).toBe('0.01, 0.003');
    await expect.poll(() => field(page, 'Name').last().inputValue()).toBe('a, b & <i>c</i>');
    await expect.poll(() => planned(page).count()).toBe(3);
    expect(problems).toEqual([]);
    await close();
  });

  test('starts a run again with changes, and tells which', async () => {
    const experimentId = await newExperiment('again');
    const runId = await started(server, experimentId, { name: 'first', config: { epochs: 3, seed: 7 } });
    const { page, problems, close } = await open(routes.start(experimentId, { from: runId }));
    await page.getByText('Nothing is changed.').waitFor();
    await expect.poll(() => field(page, 'Epochs').inputValue()).toBe('3');
    // The same config has been run.
    await page.getByText('Trained before as').waitFor();
    await field(page, 'Epochs').fill('1');
    await page.getByText('Epochs: 3 → 1').waitFor();
    await expect.poll(() => page.getByText('Trained before as').count()).toBe(0);
    await page.getByRole('button', { name: 'Start run' }).click();
    await page.waitForURL('**/runs/*');
    const [again, first] = await runsOf(experimentId);
    expect(again!.config).toEqual({ ...first!.config, epochs: 1 });
    expect(problems).toEqual([]);
    await close();
  });

  test('what was typed stays when the run that the form began with is deleted meanwhile', async () => {
    const experimentId = await newExperiment('deleted meanwhile');
    const runId = await started(server, experimentId, { name: 'gone soon', config: { epochs: 3 } });
    expect(await ended(server, runId)).toBe('SUCCEEDED');
    const { page, problems, close } = await open(routes.start(experimentId, { from: runId }));
    await field(page, 'Epochs').fill('5');
    await page.getByText('Epochs: 3 → 5').waitFor();
    await page.evaluate('document.querySelector("form").sameAsBefore = true');
    const { deleteRun } = await server.ask(
      'mutation ($id: ID!) { deleteRun(id: $id) { deletedId userErrors { message } } }',
      { id: runId },
    );
    expect(deleteRun).toEqual({ deletedId: runId, userErrors: [] });
    // Whoever comes back to the window asks again.
    let asked = 0;
    page.on('response', (response) => {
      if (response.request().postData()?.includes('query StartFrom')) asked++;
    });
    const comeBack = () => page.evaluate('window.dispatchEvent(new Event("visibilitychange"))');
    await expect.poll(() => comeBack().then(() => asked), { timeout: 30_000, interval: 100 }).toBeGreaterThan(0);
    await page.getByText('Epochs: 3 → 5').waitFor();
    await expect.poll(() => field(page, 'Epochs').inputValue()).toBe('5');
    expect(await page.evaluate('document.querySelector("form").sameAsBefore')).toBe(true);
    expect(problems).toEqual([]);
    await close();
  });

  test('a run without its pretrained weights is started again with random ones, from what is said of it', async () => {
    const experimentId = await newExperiment('no weights');
    const config = { pretrained: true, weightsUri: '/nowhere/weights.pth', epochs: 3 };
    const runId = await started(server, experimentId, { name: 'first', config });
    expect(await ended(server, runId)).toBe('FAILED');
    const { page, problems, close } = await open(routes.run(runId));
    await page.getByText('The pretrained weights are not to be had').waitFor();
    await page.getByText('/nowhere/weights.pth does not exist on the worker').waitFor();
    await page.getByRole('link', { name: 'Start again with random weights' }).click();
    await settled(page);
    await expect.poll(() => page.getByLabel('Pretrained', { exact: true }).inputValue()).toBe('false');
    await expect.poll(() => field(page, 'Weights').inputValue()).toBe('');
    await expect.poll(() => field(page, 'Epochs').inputValue()).toBe('3');
    await page.getByText('Pretrained: Yes → No, random').waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  test('a sweep is followed to its end and can be canceled', async () => {
    const experimentId = await newExperiment('followed');
    await started(server, experimentId, { name: 'known', config: { epochs: 1, seed: 1 } });
    const { page, problems, close } = await open(small(experimentId, { seed: '1, 2, 3' }));
    await page.getByText('3 runs: 2 to train, 1 trained before').waitFor();
    await page.getByRole('button', { name: 'Start sweep' }).click();
    await page.getByRole('heading', { level: 1, name: /3 values of seed/ }).waitFor();
    await page.getByText('3 of 3').waitFor();
    const rows = page.getByRole('table', { name: 'Runs of the sweep' }).getByRole('row');
    await expect.poll(() => rows.filter({ hasText: 'Succeeded' }).count()).toBe(3);
    await expect.poll(() => rows.filter({ hasText: 'trained before this sweep' }).count()).toBe(1);

    // These would go on for ever.
    await page.goto(small(experimentId, { seed: '4, 5', weightsUri: 'patient FROZEN' }));
    await page.getByRole('button', { name: 'Start sweep' }).click();
    await page.getByRole('button', { name: 'Cancel sweep' }).click();
    await page.getByRole('button', { name: 'Cancel its runs' }).click();
    await page.getByText('2 of 2').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Cancel sweep' }).count()).toBe(0);
    expect(problems).toEqual([]);
    await close();
  });
});

test.runIf(hasBrowser)('an experiment is made for a data set, under a name that is free', async () => {
  await newExperiment('taken');
  const { page, problems, close } = await open(`${routes.experiments}?create=${datasetId}`);
  const dialog = page.getByRole('dialog', { name: 'New experiment' });
  await expect.poll(() => dialog.getByLabel('Data set').inputValue()).toBe(datasetId);
  const name = dialog.getByRole('textbox', { name: 'Name' });
  await name.fill('taken');
  await dialog.getByLabel('Ranked by').selectOption({ index: 1 });
  await dialog.getByLabel('Quota').fill('3');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByText('Give a number and a unit').waitFor();
  await dialog.getByLabel('Quota').fill('3 GiB');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByText('there is an experiment "taken" already').waitFor();
  await name.fill('free <b>name</b>');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { level: 1, name: 'free <b>name</b>' }).waitFor();
  const { experiment } = await server.ask(
    '{ experiment(name: "free <b>name</b>") { dataset { id } objective { metric direction } storage { quota } } }',
  );
  expect(experiment).toEqual({
    dataset: { id: datasetId },
    objective: { metric: 'valid/accuracy', direction: 'DESC' },
    storage: { quota: 3 * 2 ** 30 },
  });
  expect(problems).toEqual([]);
  await close();
});

describe.runIf(hasBrowser)('memory probes', () => {
  test('a probe is measured before one’s eyes, and a run is started with what it found', async () => {
    const experimentId = await newExperiment('memory');
    const { page, problems, close } = await open(routes.newProbe({ experiment: experimentId, arch: 'convnext_atto' }));
    await field(page, 'Train at').fill('32, 16');
    await field(page, 'Batch size').fill('8');
    await field(page, 'Budget').fill('600');
    await page.getByRole('button', { name: 'Measure 2 networks' }).click();
    await page.getByText('Give a number and a unit').waitFor();
    await field(page, 'Budget').fill('600 MiB');
    await page.getByRole('button', { name: 'Measure 2 networks' }).click();
    await page.getByText('convnext_atto takes sides of at least 32 pixels').waitFor();
    await field(page, 'Train at').fill('32');
    await page.getByLabel('Compare the gradients').check();
    await page.getByRole('button', { name: 'Measure', exact: true }).click();

    // The scripted trainer takes 1 GiB at once, half of it in halves.
    await page.getByText('Fits with accumulation 2: 4 images at a time take 512 MiB of 600 MiB.').waitFor();
    await page.getByText('Accumulated gradients agree').waitFor();
    await page.getByRole('main').getByText('Succeeded').waitFor();
    const probe = page.url();
    await page.getByRole('link', { name: 'Start a run with this' }).click();
    await settled(page);
    await expect.poll(() => field(page, 'Accumulation').inputValue()).toBe('2');
    await expect.poll(() => field(page, 'Batch size').inputValue()).toBe('8');
    await expect.poll(() => field(page, 'Train at').inputValue()).toBe('32');
    // What it will take is known.
    await expect.poll(() => planned(page).nth(1).textContent()).toContain('512 MiB');

    // Another probe of the same finds it measured.
    await page.goto(probe);
    await page.getByRole('link', { name: 'Probe with changes' }).click();
    await page.getByRole('button', { name: 'Measure', exact: true }).click();
    await page.getByText('512 MiB fits, 20.0 images/s, known from before').waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  test('a link that names an experiment which is not there is not passed over', async () => {
    const older = await newExperiment('older');
    const newest = await newExperiment('newest');
    const { page, problems, close } = await open(routes.newProbe({ experiment: 'exp_gone', arch: 'convnext_atto' }));
    await page.getByText('There is no such experiment any more.').waitFor();
    await expect.poll(() => page.getByLabel('Images of').inputValue()).toBe(newest);
    await page.goto(routes.newProbe({ experiment: older, arch: 'convnext_atto' }));
    await settled(page);
    await expect.poll(() => page.getByLabel('Images of').inputValue()).toBe(older);
    await expect.poll(() => page.getByText('There is no such experiment').count()).toBe(0);
    expect(problems).toEqual([]);
    await close();
  });

  test('the matrix of all probes answers for other budgets, and leads to what was not measured', async () => {
    const experimentId = await newExperiment('matrix');
    const size = (side: number) => ({ height: side, width: side });
    const probe = async (targets: readonly object[]) => {
      const input = { experimentId, targets, effectiveBatchSize: 16, budget: { mebibytes: 300 } };
      const { memoryProbe } = await write(
        server,
        'probeMemory',
        'ProbeMemoryInput',
        input,
        'memoryProbe { run { id } }',
      );
      expect(await ended(server, memoryProbe.run.id)).toBe('SUCCEEDED');
    };
    await probe([{ architecture: 'convnext_atto', size: size(48) }]);
    await probe([{ architecture: 'vit_tiny_patch16_224', size: size(64) }]);
    const { page, problems, close } = await open(`${routes.probes}?view=matrix&batch=16`);
    const row = page.getByRole('row', { name: /convnext_atto/ });
    await expect.poll(() => row.textContent()).toMatch(/4256 MiB/);
    await field(page, 'Budget').fill('2 GiB');
    await expect.poll(() => row.textContent()).toMatch(/11(\.\d+)? GiB/);
    await field(page, 'Budget').fill('100 MiB');
    await expect.poll(() => row.textContent()).toMatch(/> 4/);
    await row.getByRole('link', { name: 'not measured' }).last().click();
    await settled(page);
    await expect.poll(() => page.getByRole('checkbox', { name: 'convnext_atto', exact: true }).isChecked()).toBe(true);
    await expect.poll(() => field(page, 'Train at').inputValue()).toBe('64');
    await expect.poll(() => field(page, 'Budget').inputValue()).toBe('100 MiB');
    await expect.poll(() => field(page, 'Batch size').inputValue()).toBe('16');
    expect(problems).toEqual([]);
    await close();
  });
});
