import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { hasBrowser, launchBrowser } from '../support/browser.ts';
import { keyWith, type TestKey } from './authFixtures.ts';

describe.runIf(hasBrowser)('in a browser', () => {
  let server: ApiServer;
  let browser: Browser;
  let admin: TestKey;
  let context: BrowserContext;
  beforeAll(async () => {
    server = await apiServer({ access: { authenticated: true } });
    admin = await keyWith(server.context, 'ADMIN');
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    context.setDefaultTimeout(60_000);
  });
  afterEach(() => context.close());

  async function logIn() {
    const page = await context.newPage();
    await page.goto(`${server.url}/`);
    await page.getByLabel('API key').fill(admin.secret);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByTitle('Logged in as a ADMIN key').first().waitFor();
    return page;
  }

  test('a wrong key is refused in words; a good one leads back to GraphiQL, whose queries and subscriptions work', async () => {
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    const query = '{ viewer { name } }';
    await page.goto(`${server.url}/graphiql?query=${encodeURIComponent(query)}`);
    expect(new URL(page.url()).pathname).toBe('/login');
    await page.getByLabel('API key').fill('rungraph_wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('There is no such API key').waitFor();
    await page.getByLabel('API key').fill(admin.secret);
    await page.keyboard.press('Enter');
    await page.locator('.graphiql-execute-button').click();
    await page.locator('.result-window').getByText('a ADMIN key').waitFor();
    await page.goto(`${server.url}/graphiql?query=${encodeURIComponent('subscription { deviceMemory { id } }')}`);
    // Listened for from the first frame on: it may come before the click has been answered.
    const acknowledged = new Promise<void>((resolve) => {
      page.on('websocket', (socket) =>
        socket.on('framereceived', ({ payload }) => {
          if (String(payload).includes('connection_ack')) resolve();
        }),
      );
    });
    await page.locator('.graphiql-execute-button').click();
    await acknowledged;
    expect(problems).toEqual([]);
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  test('logging out ends the session', async () => {
    const page = await logIn();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('API key').waitFor();
    await page.goto(`${server.url}/graphiql`);
    expect(new URL(page.url()).pathname).toBe('/login');
  });

  test('the page leads nowhere else', async () => {
    for (const next of ['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)']) {
      const page = await context.newPage();
      await page.goto(`${server.url}/login?next=${encodeURIComponent(next)}`);
      await page.getByLabel('API key').fill(admin.secret);
      await page.keyboard.press('Enter');
      await page.waitForURL(`${server.url}/`);
      await page.close();
    }
  });

  test('it fits a narrow screen and both colour schemes', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const narrow = await browser.newContext({ viewport: { width: 320, height: 568 }, colorScheme });
      narrow.setDefaultTimeout(60_000);
      const page = await narrow.newPage();
      await page.goto(`${server.url}/login`);
      const seen = () =>
        page.evaluate(`({
        wide: document.documentElement.scrollWidth,
        background: getComputedStyle(document.documentElement).colorScheme && matchMedia('(prefers-color-scheme: dark)').matches,
        focused: document.activeElement.id,
      })`);
      await expect.poll(seen).toEqual({ wide: 320, background: colorScheme === 'dark', focused: 'key' });
      await narrow.close();
    }
  });

  describe('a page of another site', () => {
    let elsewhere: Server;
    let evil: string;
    beforeAll(async () => {
      elsewhere = createServer((_request, response) =>
        response.setHeader('content-type', 'text/html').end('<!doctype html><title>evil</title>'),
      );
      await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
      evil = `http://localhost:${(elsewhere.address() as AddressInfo).port}/`;
    });
    afterAll(() => elsewhere.close());

    // What it may try: as JSON with credentials, as a form, as text, through a socket, by a link to a mutation.
    const write = 'mutation { createExperiment(input: { name: "evil" }) { experiment { id } } }';
    const attempts = (url: string) => `(async () => {
      const body = JSON.stringify({ query: ${JSON.stringify(write)} });
      const send = (path, options) => fetch(${JSON.stringify(url)} + path, { credentials: 'include', ...options }).then(
        async (response) => response.type + ' ' + response.status + ' ' + await response.text(), () => 'blocked');
      const socket = await new Promise((resolve) => {
        const opened = new WebSocket(${JSON.stringify(url.replace('http', 'ws'))} + '/graphql', 'graphql-transport-ws');
        opened.onopen = () => resolve('open');
        opened.onerror = () => resolve('blocked');
      });
      return {
        json: await send('/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
        text: await send('/graphql', { method: 'POST', headers: { 'content-type': 'text/plain' }, body }),
        silent: await send('/graphql', { method: 'POST', mode: 'no-cors', body }),
        link: await send('/graphql?query=' + encodeURIComponent(${JSON.stringify(write)}), {}),
        read: await send('/graphql?query=' + encodeURIComponent('{ viewer { name } }'), { headers: { 'apollo-require-preflight': '1' } }),
        logout: await send('/session', { method: 'DELETE' }),
        login: await send('/session', { method: 'POST', mode: 'no-cors', body: JSON.stringify({ key: 'x' }) }),
        socket,
      };
    })()`;

    async function attack(url: string): Promise<void> {
      const page = await context.newPage();
      await page.goto(evil);
      const answers = (await page.evaluate(attempts(url))) as Record<string, string>;
      const { silent, login, ...others } = answers;
      expect(new Set(Object.values(others))).toEqual(new Set(['blocked']));
      for (const answer of [silent, login]) expect(answer).toMatch(/^(blocked|opaque 0 )$/);
      await page.setContent(
        `<form method="post" enctype="text/plain" action="${url}/graphql"><input name='{"query":"${write.replaceAll('"', '\\\\"')}","x":"' value='"}'></form>`,
      );
      const answered = page.waitForResponse(`${url}/graphql`);
      await page.evaluate('document.forms[0].submit()');
      expect((await answered).status()).toBe(403);
    }

    test('neither reads nor writes with the session of who has logged in', async () => {
      const page = await logIn();
      await attack(server.url);
      expect(await server.context.db.prisma.experiment.count()).toBe(0);
      await page.reload();
      await page.getByTitle('Logged in as a ADMIN key').first().waitFor();
    });

    test('neither reads nor writes on a server without authentication', async () => {
      const open = await apiServer();
      await attack(open.url);
      expect(await open.context.db.prisma.experiment.count()).toBe(0);
      await open.close();
    });
  });
});
