import { expect, test } from 'vitest';
import { isBlockedPort } from '../../src/domain/blockedPorts.ts';

test('the blocked ports are those that fetch refuses without asking', async () => {
  const blocked = Array.from({ length: 65_536 }, (_, port) => port).filter(isBlockedPort);
  expect(blocked).toContain(4190);
  const reasons = blocked.map((port) =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => 'asked',
      (error) => error.cause?.message,
    ),
  );
  expect(new Set(await Promise.all(reasons))).toEqual(new Set(['bad port']));
  expect([0, 80, 443, 3000, 4000, 4191, 8080].filter(isBlockedPort)).toEqual([]);
});
