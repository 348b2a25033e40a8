import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/**
 * Waits until the page has its heading, nothing of it is loading and two frames were painted.
 * @throws when it cannot be loaded or has a bug, with what it says
 */
export async function settled(page: Page): Promise<void> {
  const heading = page.getByRole('heading', { level: 1 });
  const alert = page.getByRole('main').getByRole('alert');
  await heading.or(alert).first().waitFor();
  if (!(await heading.count())) throw new Error((await alert.first().textContent()) ?? '');
  const loading = page.getByRole('status').filter({ hasText: /^Loading/ });
  await expect.poll(() => loading.count(), { interval: 25 }).toBe(0);
  await page.evaluate(
    'document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))',
  );
}
