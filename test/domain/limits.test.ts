import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { defaultLimits, parseLimits } from '../../src/domain/limits.ts';

describe('RUNGRAPH_LIMITS', () => {
  test('names those that are not the usual ones', () => {
    expect(parseLimits(' cost=5000, depth = 7 ')).toEqual({ limits: { cost: 5000, depth: 7 }, problems: [] });
  });

  test('is refused with every problem', () => {
    const { problems } = parseLimits('cost=0, dept=4, depth=1.5, aliases=3, aliases=4, tokens, toString=1');
    expect(problems).toEqual([
      'cost must be an integer from 1, as in cost=100000',
      expect.stringMatching(/^there is no limit "dept"; there are depth, aliases, /),
      'depth must be an integer from 1, as in depth=14',
      'aliases is given twice',
      'tokens must be an integer from 1, as in tokens=2000',
      expect.stringContaining('no limit "toString"'),
    ]);
  });
});

test('docs/security.md lists every limit with what it is by default', () => {
  const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([\d ]+) \| ([\d ]+) \|/gm)].map(([, name, guarded, open]) => [
    name,
    Number(guarded!.replaceAll(' ', '')),
    Number(open!.replaceAll(' ', '')),
  ]);
  const [guarded, open] = [true, false].map((authentication) => defaultLimits({ authentication }));
  expect(rows).toEqual(
    Object.entries(guarded!).map(([name, limit]) => [name, limit, open![name as keyof typeof open]]),
  );
});
