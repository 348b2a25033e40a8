/** Views that are cut off from their server, and views of more than a browser can hold. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { count, significant } from '../../client/src/format/numbers.ts';
import { routes } from '../../client/src/routes.ts';
import { appendEvents } from '../../src/store/event.ts';
import { attemptAt, epoch, leaves, points, queuedRun } from '../api/fixtures.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { hasBrowser, launchBrowser, openTab } from '../support/browser.ts';
import { experimentOf } from '../support/catalogue.ts';
import { serverRelay } from '../support/relay.ts';
import { settled } from './settled.ts';

const patience = { timeout: 60_000, interval: 50 };

let server: ApiServer;
let browser: Browser;
let experimentId: string;
beforeAll(async () => {
  if (!hasBrowser) return;
  [server, browser] = await Promise.all([apiServer(), launchBrowser()]);
  experimentId = await experimentOf(server.context.db.prisma, await leaves(server.context, 'leaves'));
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

describe.runIf(hasBrowser)('a view', () => {
  test('of a leaderboard that was cut off catches up by itself: places change, and are told', async () => {
    const begin = async (name: string, errorRate: number) => {
      const runId = await queuedRun(server.context, experimentId, name);
      const attempt = await attemptAt(server.context, runId);
      const tell = (step: number, rate: number) =>
        attempt.tell([points(step, { 'valid/error_rate': rate }), epoch(step - 1, rate)]);
      await tell(1, errorRate);
      return tell;
    };
    const tellFirst = await begin('leads at first', 0.2);
    const tellSecond = await begin('comes from behind', 0.3);
    const relay = await serverRelay(server.url);
    const tolerated = /WebSocket connection|ERR_/;
    const { page, problems, close } = await openTab(browser, relay.url, { tolerated });
    await page.goto(routes.experiment(experimentId));
    const names = async () => {
      const rows = page.getByRole('table', { name: 'Leaderboard' }).getByRole('row');
      return (await rows.allInnerTexts()).slice(1).map((text) => /leads at first|comes from behind/.exec(text)?.[0]);
    };
    await expect.poll(names, patience).toEqual(['leads at first', 'comes from behind']);
    await page.evaluate('window.sameAsBefore = true');
    // Over the live connection first.
    await tellSecond(2, 0.15);
    await expect.poll(names, patience).toEqual(['comes from behind', 'leads at first']);

    relay.block(true);
    const banner = page.getByRole('status').getByText('The connection to the server was lost');
    await banner.waitFor();
    await tellFirst(2, 0.1);
    relay.block(false);
    await banner.waitFor({ state: 'hidden' });
    await expect.poll(names, patience).toEqual(['leads at first', 'comes from behind']);
    expect(await page.evaluate('window.sameAsBefore')).toBe(true);
    expect(problems).toEqual([]);
    await close();
    await relay.close();
  });

  test('of a million points shows where they go, and each of them where one looks closer', async () => {
    const total = 1_000_000;
    const lossAt = (step: number) => 1000 / (1000 + step) + (step % 7) / 10;
    const runId = await queuedRun(server.context, experimentId, 'a long one');
    const attempt = await attemptAt(server.context, runId);
    await attempt.tell([points(1, { 'train/loss': lossAt(1) })]);
    const { pool } = server.context.db;
    await pool.query(
      `insert into metric_point (run_id, name_id, step, value)
       select $1, (select id from metric_name where name = 'train/loss'), step, 1000.0 / (1000 + step) + (step % 7) / 10.0
       from generate_series(2, ${total}) step`,
      [runId],
    );
    await pool.query(`update metric_summary set count = ${total}, last_step = ${total} where run_id = $1`, [runId]);
    await attempt.succeed();

    const { page, problems, close } = await openTab(browser, server.url);
    await page.goto(routes.run(runId));
    const chart = page.getByRole('slider', { name: /^Loss\./ });
    await settled(page);
    const shown = async () => Number(/train: (\d+) points/.exec((await chart.getAttribute('aria-label'))!)?.[1]);
    await expect.poll(shown, patience).toBeGreaterThan(400);
    expect(await shown()).toBeLessThanOrEqual(2000);

    // A stretch that is marked by the mouse stands in the link.
    const box = (await chart.boundingBox())!;
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.5, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, y, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => new URL(page.url()).search, patience).toMatch(/^\?steps=\d+-\d+$/);
    await chart.press('Escape');
    await expect.poll(() => new URL(page.url()).search, patience).toBe('');

    await page.goto(`${routes.run(runId)}?steps=500000-500200`);
    const text = () => chart.getAttribute('aria-valuetext');
    const home = async () => {
      await chart.press('Home');
      return text();
    };
    for (let step = 500_000; step <= 500_040; step++) {
      const told = `Step ${count(step)}: train ${significant(lossAt(step))}`;
      if (step === 500_000) await expect.poll(home, patience).toBe(told);
      else {
        await chart.press('ArrowRight');
        await expect.poll(() => text()).toBe(told);
      }
    }
    expect(problems).toEqual([]);
    await close();
  });

  test('whose subscription the server ends with an error says so, and still shows what it has', async () => {
    const runId = await queuedRun(server.context, experimentId, 'told in parts');
    const attempt = await attemptAt(server.context, runId);
    await attempt.tell([points(1, { 'train/loss': 1 })]);
    const { page, problems, close } = await openTab(browser, server.url);
    await page.goto(routes.run(runId));
    await settled(page);
    const chart = page.getByRole('slider', { name: /^Loss\./ });
    await attempt.tell([points(2, { 'train/loss': 0.5 })]);
    const label = () => chart.getAttribute('aria-label');
    await expect.poll(label, patience).toContain('last 0.5');
    // No version of the trainer writes such an event.
    await appendEvents(server.context.db.prisma, runId, [{ kind: 'STATUS' } as never], new Date());
    await attempt.tell([points(3, { 'train/loss': 0.25 })]);
    await page.getByRole('status').getByText('This view is not kept up to date').waitFor();
    await expect.poll(() => label()).toContain('last 0.5');
    // Elsewhere it is of no concern.
    await page.getByRole('link', { name: 'Machines' }).click();
    await page.getByRole('heading', { name: 'Machines' }).waitFor();
    await expect.poll(() => page.getByText('This view is not kept up to date').count()).toBe(0);
    expect(problems).toEqual([]);
    await close();
  });

  test('of a long list whose next page fails says so once, keeps what it has, and goes on when it can', async () => {
    const { prisma } = server.context.db;
    for (let number = 0; number < 70; number++) await experimentOf(prisma, null, { name: `listed ${number}` });
    const { page, problems, close } = await openTab(browser, server.url);
    let questions = 0;
    await page.route('**/graphql', (route) => {
      if (!/"after":"/.test(route.request().postData() ?? '')) return route.fallback();
      questions++;
      return route.fulfill({ json: { errors: [{ message: 'Not this time' }] } });
    });
    await page.goto(routes.experiments);
    await settled(page);
    const list = page.getByRole('region', { name: 'Experiments' });
    const toEnd = () => list.press('End');
    const newest = list.getByRole('link', { name: 'listed 69', exact: true });
    await newest.waitFor();
    await toEnd();
    await page.getByRole('alert').getByText('Not this time').waitFor();
    await page.evaluate(
      'new Promise((done) => { let left = 60; const next = () => (left-- ? requestAnimationFrame(next) : done()); next(); })',
    );
    expect(questions).toBeLessThanOrEqual(2);
    await page.unrouteAll();
    const oldest = list.getByRole('link', { name: 'listed 0', exact: true });
    const arrived = async () => {
      await toEnd();
      return oldest.isVisible();
    };
    await expect.poll(arrived, patience).toBe(true);
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    expect(problems).toEqual([]);
    await close();
  });
});
