import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { hasBrowser, launchBrowser, openTab } from '../support/browser.ts';
import { experimentOf } from '../support/catalogue.ts';

let server: ApiServer;
let browser: Browser;
beforeAll(async () => {
  if (!hasBrowser) return;
  server = await apiServer();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

test.runIf(hasBrowser)(
  'GraphiQL renders, runs a query and a subscription, and asks no other host for anything',
  async () => {
    const experimentId = await experimentOf(server.context.db.prisma, null, { name: 'seen in GraphiQL' });
    const { page, problems, close } = await openTab(browser, server.url);

    const run = async (query: string) => {
      await page.goto(`/graphiql?query=${encodeURIComponent(query)}`);
      await page.locator('.graphiql-execute-button').click();
      return page.locator('.result-window');
    };
    const answer = await run('{ experiments { nodes { name } } }');
    await answer.getByText('seen in GraphiQL').waitFor();
    const live = await run(`subscription { leaderboardUpdates(experimentId: "${experimentId}") { edges { rank } } }`);
    await live.getByText('leaderboardUpdates').waitFor();

    expect(problems).toEqual([]);
    await close();
  },
);
