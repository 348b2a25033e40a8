import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../client/src/routes.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { hasBrowser, launchBrowser, openTab } from '../support/browser.ts';
import { experimentOf } from '../support/catalogue.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await apiServer();
});
afterAll(() => server.close());

/** Every link of the dashboard, with ids that need escaping. */
const links = Object.values(routes).map((route) => {
  if (typeof route === 'string') return route;
  return route === routes.compare ? routes.compare(['run/1', 'run 2']) : (route as (id: string) => string)('an/id ?&#');
});

/** Paths of the files that the page names. */
const filesOf = (html: string) => [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, file]) => file!);

describe('the files', () => {
  test.for(links)('%s is the page, which is asked for anew each time', async (link) => {
    const response = await fetch(server.url + link);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(await response.text()).toContain('<div id="root">');
    // An older version may come after a newer one, so no date tells which is right.
    for (const name of ['etag', 'last-modified']) expect(response.headers.get(name)).toBe(null);
  });

  test('what the page names is there, compressed; what has a hash in its name may be kept for ever', async () => {
    const files = filesOf(await (await fetch(server.url)).text());
    expect(files).toEqual(expect.arrayContaining(['/theme.js', '/icon.svg']));
    const hashed = files.filter((file) => file.startsWith('/assets/'));
    expect(hashed.map((file) => file.split('.').at(-1))).toEqual(expect.arrayContaining(['js', 'css']));
    for (const file of files) {
      const response = await fetch(server.url + file);
      expect(response.status).toBe(200);
      const text = await response.text();
      const { headers } = response;
      // What is smaller than a packet is sent as it is.
      expect(headers.get('content-encoding')).toBe(text.length > 1024 ? 'gzip' : null);
      const kept = hashed.includes(file) ? 'public, max-age=31536000, immutable' : 'public, max-age=0';
      expect(headers.get('cache-control')).toBe(kept);
    }
  });

  test.for(['/experiment', '/runs.html', '/assets/none.js', '/index.html', '/src/main.tsx'])(
    '%s is nothing, told as JSON',
    async (path) => {
      const response = await fetch(server.url + path);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({ errors: [{ message: `There is nothing at ${path}` }] });
    },
  );

  test('a browser that is led to nowhere is shown the page that says so', async () => {
    const response = await fetch(`${server.url}/experiment`, { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect({ status: response.status, kept: response.headers.get('cache-control') }).toEqual({
      ...{ status: 404, kept: 'no-store' },
    });
    expect(await response.text()).toContain('<div id="root">');
  });

  test('on a server with keys the views lead to the login page and back, and the files are for everyone', async () => {
    const guarded = await apiServer({ context: server.context, access: { authenticated: true } });
    try {
      for (const link of links) {
        const response = await fetch(guarded.url + link, { redirect: 'manual' });
        expect(response.status).toBe(302);
        expect(response.headers.get('location')).toBe(`/login?next=${encodeURIComponent(link)}`);
      }
      const files = filesOf(await (await fetch(server.url)).text());
      for (const file of files) expect((await fetch(guarded.url + file)).status).toBe(200);
    } finally {
      await guarded.close();
    }
  });
});

describe.runIf(hasBrowser)('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  /** Bytes of the first load over the wire, headers and data of the API included. */
  const budget = 300_000;

  test(`the first load takes less than ${budget} bytes and breaks no rule of its security policy`, async () => {
    await experimentOf(server.context.db.prisma, null, { name: 'seen at once' });
    const { page, problems, close } = await openTab(browser, server.url);
    const network = await page.context().newCDPSession(page);
    let bytes = 0;
    network.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    await network.send('Network.enable');
    // The code of other pages is fetched when there is nothing else to do, which is never here.
    await page.addInitScript('window.requestIdleCallback = () => 0');
    await page.goto('/', { waitUntil: 'networkidle' });
    await page.getByRole('link', { name: 'seen at once', exact: true }).waitFor();
    expect(bytes).toBeGreaterThan(50_000); // it was counted
    expect(bytes).toBeLessThan(budget);
    expect(problems).toEqual([]);
    await close();
  });

  test('a link that leads nowhere says so and shows the way back', async () => {
    const { page, problems, close } = await openTab(browser, server.url);
    await page.goto('/experiments/none/of/these');
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await page.getByRole('main').getByRole('link', { name: 'To the experiments' }).click();
    await page.getByRole('heading', { name: 'Experiments', exact: true }).waitFor();
    expect(problems).toEqual([]);
    await close();
  });
});
