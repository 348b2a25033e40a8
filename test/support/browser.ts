/** Debian's Chromium, and what must hold on every page that it opens. */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** Tests in a browser are skipped without one. */
export const hasBrowser = existsSync(executablePath);
if (!hasBrowser)
  console.warn(`Nothing is tested in a browser: ${executablePath} is missing (on Debian: apt install chromium)`);

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox'], timeout: 120_000 });
}

export interface Visit {
  readonly page: Page;
  /**
   * What no page may do, as it happened: errors of scripts, what the console calls an error (refusals of the content security policy
   * among them), and requests to any host but the server.
   */
  readonly problems: readonly string[];
  /** Text frames that came over sockets, oldest first. */
  readonly received: readonly string[];
  close(): Promise<void>;
}

/**
 * A fresh tab, without cookies, storage or cache. @param url of the server
 * @param options.tolerated console errors that the test brings about, e.g. of a server that it has stopped
 */
export async function openTab(
  browser: Browser,
  url: string,
  { tolerated, ...options }: BrowserContextOptions & { readonly tolerated?: RegExp } = {},
): Promise<Visit> {
  // Nothing moves: what is looked at looks the same at every moment.
  const context = await browser.newContext({
    ...{ baseURL: url, acceptDownloads: true, reducedMotion: 'reduce' },
    ...options,
  });
  // Others may be at work on the machine; what never comes is told soon enough.
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const problems: string[] = [];
  const received: string[] = [];
  const { host } = new URL(url);
  const seeAddress = (address: string) => {
    const { protocol, host: asked } = new URL(address);
    if (protocol !== 'data:' && protocol !== 'blob:' && asked !== host) problems.push(`asked ${address}`);
  };
  page.on('request', (request) => seeAddress(request.url()));
  page.on('websocket', (socket) => {
    seeAddress(socket.url());
    socket.on('framereceived', ({ payload }) => received.push(String(payload)));
  });
  page.on('console', (message) => {
    if (message.type() === 'error' && !tolerated?.test(message.text())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.stack ?? error.message));
  return { page, problems, received, close: () => context.close() };
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Serious and critical violations that axe finds on the page as it stands, each as one text. */
export async function axeViolations(page: Page): Promise<string[]> {
  // Evaluated by the debugger, which no content security policy stops.
  await page.evaluate(axe);
  const violations = (await page.evaluate('axe.run().then(({ violations }) => violations)')) as readonly AxeResult[];
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}\n  ${node.html}\n  ${node.failureSummary}`));
}

/** What makes the page wider than its window, the innermost elements last; empty: it needs no scrolling sideways. */
export async function tooWide(page: Page): Promise<string[]> {
  return (await page.evaluate(`(() => {
    const { scrollWidth, clientWidth } = document.scrollingElement;
    if (scrollWidth <= clientWidth) return [];
    const framed = (e) => {
      for (let frame = e.parentElement; frame; frame = frame.parentElement) if (getComputedStyle(frame).overflowX !== 'visible') return true;
      return false;
    };
    const wide = [...document.body.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > clientWidth + 0.5 && !framed(e));
    return [scrollWidth + ' > ' + clientWidth, ...wide.slice(-3).map((e) => e.outerHTML.slice(0, 200))];
  })()`)) as string[];
}
