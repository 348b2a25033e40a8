/** What stands around every view: who is logged in, the theme, the GraphQL of the page. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../client/src/routes.ts';
import { revokeApiKey } from '../../src/commands/apiKey.ts';
import { keyWith } from '../api/authFixtures.ts';
import { attemptAt, leaves, points, queuedRun } from '../api/fixtures.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { axeViolations, hasBrowser, launchBrowser, openTab, tooWide } from '../support/browser.ts';
import { experimentOf } from '../support/catalogue.ts';
import { settled } from './settled.ts';

let browser: Browser;
let open: ApiServer;
let guarded: ApiServer;
let experimentId: string;
let runId: string;

/** A sweep of two. */
const oneRunEach = {
  architectures: ['convnext_atto', 'convnext_femto'],
  preprocessings: [{ itemTransform: { size: { height: 64, width: 64 } }, size: { height: 32, width: 32 } }],
  config: { pretrained: false, effectiveBatchSize: 4 },
};
beforeAll(async () => {
  if (!hasBrowser) return;
  [browser, open] = await Promise.all([launchBrowser(), apiServer()]);
  const { context } = open;
  guarded = await apiServer({ context, access: { authenticated: true } });
  experimentId = await experimentOf(context.db.prisma, await leaves(context, 'leaves'));
  runId = await queuedRun(context, experimentId, 'under way');
  await (await attemptAt(context, runId)).tell([points(1, { 'train/loss': 1 })]);
});
afterAll(async () => {
  await browser?.close();
  await guarded?.close();
  await open?.close();
});

describe.runIf(hasBrowser)('the frame', () => {
  test('the login page holds to the same rules, leads on to where one wanted to go, and takes one back when the key is revoked', async () => {
    const key = await keyWith(guarded.context, 'WRITE');
    // The browser tells of every answer that is an error.
    const { page, problems, close } = await openTab(browser, guarded.url, { tolerated: /status of 401/ });
    await page.goto(routes.run(runId));
    await page.getByLabel('API key').waitFor();
    await expect.poll(() => axeViolations(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 360, height: 740 });
    await expect.poll(() => tooWide(page)).toEqual([]);
    await expect.poll(() => axeViolations(page)).toEqual([]);

    const logIn = async (secret: string) => {
      await page.getByLabel('API key').fill(secret);
      await page.getByRole('button', { name: 'Log in' }).click();
    };
    await logIn('rungraph_wrong');
    await page.getByRole('alert').getByText('There is no such API key').waitFor();
    await logIn(key.secret);
    await page.getByRole('heading', { level: 1, name: 'under way' }).waitFor();
    expect(await page.evaluate('document.cookie')).toBe('');

    await revokeApiKey(guarded.context, key.id);
    await page.getByLabel('API key').waitFor();
    expect(new URL(page.url()).pathname).toBe('/login');
    await logIn((await keyWith(guarded.context, 'READ')).secret);
    await page.getByRole('heading', { level: 1, name: 'under way' }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('API key').waitFor();
    await page.goto('/');
    expect(new URL(page.url()).pathname).toBe('/login');
    expect(problems).toEqual([]);
    await close();
  });

  test('the theme that was chosen is there before anything is painted, the next time too', async () => {
    const { page, problems, close } = await openTab(browser, open.url, { colorScheme: 'light' });
    await page.goto('/');
    await settled(page);
    const background = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const light = await background();
    const dark = page.locator('html[data-theme=dark]');
    while (!(await dark.count())) await page.getByRole('button', { name: /^Theme/ }).click();
    await expect.poll(() => background()).not.toBe(light);
    // What stands in the body is painted; the theme is known before there is one.
    await page.addInitScript(`new MutationObserver(() => {
      if (document.body) window.themeOfBody ??= document.documentElement.dataset.theme ?? 'none';
    }).observe(document, { childList: true, subtree: true })`);
    await page.goto(routes.machines);
    await settled(page);
    expect(await page.evaluate('window.themeOfBody')).toBe('dark');
    await expect.poll(() => background()).not.toBe(light);
    expect(problems).toEqual([]);
    await close();
  });

  test('what is said while a question is open can be read above it, and an address of nothing leads back', async () => {
    const { page, problems, close } = await openTab(browser, open.url, { tolerated: /Failed to load resource/ });
    const variables = { input: { ...oneRunEach, experimentId } };
    const { startSweep } = await open.ask(
      'mutation ($input: StartSweepInput!) { startSweep(input: $input) { sweep { id } userErrors { message } } }',
      variables,
    );
    expect(startSweep.userErrors).toEqual([]);
    await page.goto(routes.sweep(startSweep.sweep.id));
    await page.getByRole('button', { name: 'Cancel' }).first().waitFor();
    await page.evaluate("document.querySelector('[role=status]:has(> [popover])').fromTheStart = true");
    await page.getByRole('button', { name: 'Cancel' }).first().click();
    const dialog = page.getByRole('dialog');
    await page.route('**/graphql', (route) =>
      route.request().postData()?.includes('cancelSweep') ? route.abort() : route.fallback(),
    );
    await dialog.getByRole('button', { name: /^Cancel/ }).click();
    const message = page.getByText('The server does not answer');
    await message.waitFor();
    // In the layer above everything, where the dialog is too, and not behind its glass.
    await page.getByRole('button', { name: 'Close' }).click();
    await message.waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: /^Cancel/ }).click();
    await message.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await message.waitFor();
    // Screen readers tell what comes into a region that was there before.
    const isSame = message.evaluate((e) => Object.hasOwn(e.closest('[role=status]') ?? {}, 'fromTheStart'));
    expect(await isSame).toBe(true);
    // A dialog that is opened later does not hide it.
    await page.getByRole('button', { name: 'Cancel' }).first().click();
    await dialog.waitFor();
    await message.click();
    await page.getByRole('button', { name: 'Close' }).click();
    await message.waitFor({ state: 'detached' });
    await dialog.waitFor();

    await page.goto('/experiment');
    await page.getByRole('link', { name: 'To the experiments' }).click();
    await page.getByRole('heading', { level: 1, name: 'Experiments' }).waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  test('what is not there is told in the same words everywhere, with a way back', async () => {
    const { page, problems, close } = await openTab(browser, open.url, { tolerated: /Failed to load resource/ });
    const links = [
      ['page', '/experiment', 'experiments'],
      ['experiment', routes.experiment('none'), 'experiments'],
      ['experiment', routes.start('none'), 'experiments'],
      ['experiment', routes.newEnsemble('none'), 'experiments'],
      ['ensemble', routes.ensemble('none'), 'experiments'],
      ['run', routes.run('none'), 'experiments'],
      ['sweep', routes.sweep('none'), 'experiments'],
      ['memory probe', routes.probe('none'), 'memory probes'],
      ['data set', routes.dataset('none'), 'data sets'],
    ] as const;
    for (const [what, link, list] of links) {
      await page.goto(link);
      await page.getByRole('heading', { level: 1, name: `No such ${what}` }).waitFor();
      const told = await page.getByRole('main').textContent();
      expect(told, link).toContain(`There is no such ${what}It was deleted, or the link is cut off.To the ${list}`);
    }
    expect(problems).toEqual([]);
    await close();
  });

  test('the GraphQL of a page is shown, and runs in GraphiQL as it stands', async () => {
    const { page, problems, close } = await openTab(browser, open.url);
    await page.goto(routes.run(runId));
    await settled(page);
    await page.getByRole('button', { name: 'Query' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('subscription RunPageEvents').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Query' }).click();
    const query = dialog.getByRole('region').or(dialog.locator('section')).filter({ hasText: 'query RunPage(' });
    await page.goto((await query.getByRole('link', { name: 'Open in GraphiQL' }).getAttribute('href'))!);
    await page.locator('.graphiql-execute-button').click();
    await page.locator('.result-window').getByText('under way').waitFor();
    expect(problems).toEqual([]);
    await close();
  });
});
