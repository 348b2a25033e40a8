import { expect, test } from 'vitest';
import { soak, targets } from '../support/soak/soak.ts';

test('trainers, workers, server and database killed at random: every run ends once, as it would have without', async () => {
  const report = await soak({ seed: 7, kills: 10, epochs: 3, say: () => {} });
  expect(report.problems).toEqual([]);
  expect(report.runs).toBeGreaterThanOrEqual(4);
  expect(new Set(report.kills.map(({ target }) => target))).toEqual(new Set(targets));
  expect(report.attempts).toBeGreaterThan(report.runs);
}, 900_000);
