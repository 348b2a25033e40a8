/** What holds on every page, with names as hostile as names can be. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../client/src/routes.ts';
import { keyWith } from '../api/authFixtures.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { axeViolations, hasBrowser, launchBrowser, openTab, tooWide } from '../support/browser.ts';
import { harm, hostile } from './hostile.ts';
import { settled } from './settled.ts';
import { hostileWorld, longName, runNames, type World } from './world.ts';

let world: World;
let browser: Browser;
beforeAll(async () => {
  if (!hasBrowser) return;
  [world, browser] = await Promise.all([hostileWorld(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

/** Name, link, heading. */
const pages: readonly (readonly [name: string, link: () => string, heading: string])[] = [
  ['experiments', () => routes.experiments, 'Experiments'],
  ['an experiment', () => routes.experiment(world.experimentId), longName],
  ['its runs', () => `${routes.experiment(world.experimentId)}?tab=runs`, longName],
  ['its scatter plot', () => `${routes.experiment(world.experimentId)}?tab=scatter`, longName],
  ['its ensembles', () => `${routes.experiment(world.experimentId)}?tab=ensembles`, longName],
  ['its sweeps', () => `${routes.experiment(world.experimentId)}?tab=sweeps`, longName],
  ['a run', () => routes.run(world.runIds[0]!), runNames[0]],
  ['its charts, smoothed', () => `${routes.run(world.runIds[1]!)}?axis=time&smooth=0.9&log=1`, runNames[1]],
  ['its predictions', () => `${routes.run(world.runIds[2]!)}?tab=predictions`, runNames[2]],
  ['its log', () => `${routes.run(world.runIds[3]!)}?tab=log`, runNames[3]],
  ['its config', () => `${routes.run(world.runIds[4]!)}?tab=config`, runNames[4]],
  ['its files', () => `${routes.run(world.runIds[0]!)}?tab=files`, runNames[0]],
  ['a failed run', () => routes.run(world.failedRunId), `${hostile.override} fails`],
  ['attempts at it', () => `${routes.run(world.failedRunId)}?tab=attempts`, `${hostile.override} fails`],
  ['runs side by side', () => routes.compare(world.runIds), 'Compare'],
  ['the form of runs', () => routes.start(world.experimentId), 'Start'],
  ['a sweep', () => routes.sweep(world.sweepId), hostile.html],
  ['probes', () => routes.probes, 'Memory'],
  ['a probe', () => routes.probe(world.probeId), 'Memory probe'],
  ['all that was measured', () => `${routes.probes}?view=matrix`, 'Memory'],
  ['the form of probes', () => routes.newProbe(), 'New memory probe'],
  ['the ensemble builder', () => routes.newEnsemble(world.experimentId), 'New ensemble'],
  ['an ensemble', () => routes.ensemble(world.ensembleId), hostile.override],
  ['data sets', () => routes.datasets, 'Data sets'],
  ['the form of imports', () => `${routes.datasets}/new`, 'Import'],
  ['a data set', () => routes.dataset(world.datasetId), hostile.html],
  ['its images', () => `${routes.dataset(world.datasetId)}?view=images`, hostile.html],
  ['problems of its import', () => `${routes.dataset(world.datasetId)}?view=problems`, hostile.html],
  ['machines', () => routes.machines, 'Machines'],
  ['the queue', () => `${routes.machines}?view=queue`, 'Machines'],
  ['what is not there', () => routes.run('none'), 'No such run'],
];

describe.runIf(hasBrowser)('every page', () => {
  test.for(pages)('%s', async ([, link, heading]) => {
    const { page, problems, close } = await openTab(browser, world.url, { viewport: { width: 1280, height: 800 } });
    await page.goto(link());
    await settled(page);
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toContain(heading);
    expect(await harm(page)).toEqual([]);
    await expect.poll(() => axeViolations(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 360, height: 740 });
    await settled(page);
    await expect.poll(() => tooWide(page)).toEqual([]);
    await expect.poll(() => axeViolations(page)).toEqual([]);
    expect(await harm(page)).toEqual([]);
    expect(problems).toEqual([]);
    await close();
  });
});

/** By which button it is asked, where, and what it is called. */
const questions: readonly (readonly [button: string, link: () => string, title: RegExp])[] = [
  ['New experiment', () => routes.experiments, /experiment/i],
  ['Columns', () => routes.experiment(world.experimentId), /columns/i],
  ['Query', () => routes.experiment(world.experimentId), /GraphQL/],
  ['Edit', () => routes.run(world.runIds[0]!), /edit/i],
  ['Delete', () => routes.run(world.runIds[0]!), /delete/i],
  ['Save …', () => `${routes.newEnsemble(world.experimentId)}?runs=${world.runIds[0]}`, /save/i],
];

describe.runIf(hasBrowser)('every question', () => {
  test.for(questions)('%s', async ([button, link, title]) => {
    const { page, problems, close } = await openTab(browser, world.url, { viewport: { width: 360, height: 740 } });
    await page.goto(link());
    await settled(page);
    const asked = page.getByRole('button', { name: button, exact: true });
    await asked.click();
    const dialog = page.getByRole('dialog', { name: title });
    await dialog.waitFor();
    expect(await harm(page)).toEqual([]);
    await expect.poll(() => tooWide(page)).toEqual([]);
    await expect.poll(() => axeViolations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    // One is where one was.
    await expect.poll(() => asked.evaluate((e) => e === document.activeElement)).toBe(true);
    expect(problems).toEqual([]);
    await close();
  });
});

describe.runIf(hasBrowser)('with a key, every page', () => {
  let guarded: ApiServer;
  beforeAll(async () => {
    guarded = await apiServer({ context: world.context, access: { authenticated: true } });
  });
  afterAll(() => guarded?.close());

  const verbs =
    /^(build|cancel|create( |$)|delete|download submission|edit|ensemble$|import|make|measure( |$)|new |probe with|rename|retry|save|select automatically|send|start|tag$)/i;

  /** What writes, or leads to a form that does, on these pages; with everything selected that can be. */
  async function offered(scope: 'READ' | 'WRITE', walk: typeof pages): Promise<readonly string[]> {
    const { page, problems, close } = await openTab(browser, guarded.url, { viewport: { width: 1280, height: 800 } });
    await page.goto('/login');
    await page.getByLabel('API key').fill((await keyWith(guarded.context, scope)).secret);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Experiments' }).waitFor();
    const found = new Set<string>();
    const main = page.getByRole('main');
    for (const [name, link] of walk) {
      await page.goto(link());
      await settled(page);
      await page.getByRole('button', { name: 'Log out' }).waitFor();
      const badges = () => page.getByText('Read only', { exact: true }).count();
      await expect.poll(badges, { message: name }).toBe(scope === 'READ' ? 1 : 0);
      for (const all of await page.getByRole('checkbox', { name: 'Select all' }).all()) await all.check();
      const texts = await main
        .locator('button, a, [role="menuitem"]')
        .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? one.textContent ?? ''));
      for (const text of texts) if (verbs.test(text.trim())) found.add(text.trim());
      const told = () => main.getByText('This key may only read').count();
      await expect.poll(told, { message: name }).toBe(scope === 'READ' && forms.includes(name) ? 1 : 0);
      if (scope === 'READ') expect(await main.locator('[type="submit"]').count(), name).toBe(0);
    }
    expect(problems).toEqual([]);
    await close();
    return [...found].sort();
  }
  const forms = ['the form of runs', 'the form of probes', 'the ensemble builder', 'the form of imports'];
  const others = ['experiments', 'an experiment', 'its files', 'a failed run', 'a probe', 'an ensemble', 'a data set'];

  test('offers what writes to who may write, and nothing of it to who may only read', async () => {
    const some = pages.filter(([name]) => ['data sets', ...forms, ...others].includes(name));
    const [reader, writer] = await Promise.all([offered('READ', pages), offered('WRITE', some)]);
    expect(reader).toEqual([]);
    // One of each of these pages, at least.
    for (const text of [
      ...['New experiment', 'Start run', 'Rename', 'Tag', 'Ensemble', 'Start again with changes', 'Make ONNX model'],
      ...['Retry', 'Edit', 'Delete', 'Probe with changes', 'Measure', 'Save …', 'Create the CSV', 'Edit as new'],
      ...['Import images', 'Send and import', 'Create an experiment'],
    ])
      expect(writer).toContain(text);
  });
});

test.runIf(hasBrowser)('what is looked for is found on a page that has it all', async () => {
  const { page, close } = await openTab(browser, world.url, { viewport: { width: 360, height: 740 } });
  await page.setContent(`<!doctype html><html lang="en"><title>x</title><body><main>
    <img src="x"><p><span>${hostile.override}</span> was deleted</p><p style="width: 600px">wide</p><p style="color: #ddd">pale</p>
    <p style="width: 5rem; overflow: hidden; white-space: nowrap; text-overflow: ellipsis">${hostile.long}</p>
  </main></body></html>`);
  const found = await harm(page);
  expect(found.map((text) => text.split(':')[0])).toEqual([
    'injected',
    'turns what stands around it',
    'cut, and nowhere whole',
  ]);
  expect((await tooWide(page)).at(-1)).toContain('wide');
  const rules = (await axeViolations(page)).map((text) => text.split(':')[0]);
  expect(new Set(rules)).toEqual(new Set(['image-alt', 'color-contrast']));
  await close();
});
