import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { experimentOf } from '../support/catalogue.ts';

const executablePath = '/usr/bin/chromium';
const installed = existsSync(executablePath);
if (!installed) console.warn(`GraphiQL is not tested: ${executablePath} is missing (on Debian: apt install chromium)`);

let server: ApiServer;
let browser: Browser;
beforeAll(async () => {
  if (!installed) return;
  server = await apiServer();
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

test.runIf(installed)(
  'GraphiQL renders, runs a query and a subscription, and asks no other host for anything',
  async () => {
    const experimentId = await experimentOf(server.context.db.prisma, null, { name: 'seen in GraphiQL' });
    const page = await browser.newPage();
    const foreign: string[] = [];
    const problems: string[] = [];
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol !== 'data:' && protocol !== 'blob:' && host !== new URL(server.url).host)
        foreign.push(request.url());
    });
    page.on('websocket', (socket) => {
      if (new URL(socket.url()).host !== new URL(server.url).host) foreign.push(socket.url());
    });
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));

    const run = async (query: string) => {
      await page.goto(`${server.url}/graphiql?query=${encodeURIComponent(query)}`);
      await page.locator('.graphiql-execute-button').click();
      return page.locator('.result-window');
    };
    const answer = await run('{ experiments { nodes { name } } }');
    await answer.getByText('seen in GraphiQL').waitFor();
    const live = await run(`subscription { leaderboardUpdates(experimentId: "${experimentId}") { edges { rank } } }`);
    await live.getByText('leaderboardUpdates').waitFor();

    expect(foreign).toEqual([]);
    expect(problems).toEqual([]);
    await page.close();
  },
);
