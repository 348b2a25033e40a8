import { describe, expect, it } from 'vitest';
import { parseFilter } from '../../src/domain/filter.ts';
import { UserInputError } from '../../src/errors.ts';
import { matches, type RunFacts } from '../support/filterMatches.ts';

const run: RunFacts = {
  id: 'run_1',
  name: 'vit, first try',
  kind: 'TRAINED',
  status: 'SUCCEEDED',
  tags: ['baseline', 'long run'],
  config: {
    architecture: 'vit_small_patch16_224',
    size: { height: 320, width: 224 },
    itemTransform: { size: { height: 640, width: 480 }, method: 'SQUISH' },
    accumulation: 2,
    epochs: 12,
  },
  sweep: { id: 'swp_1', name: 'all small' },
  metrics: new Map([
    ['valid/error_rate', 0.025],
    ['odd', 3],
  ]),
};

const accepts = (text: string) => matches(parseFilter(text), run);

/** The one problem that a filter is refused with. */
function problemOf(text: string, path?: string[]) {
  try {
    parseFilter(text, path);
  } catch (error) {
    expect(error).toBeInstanceOf(UserInputError);
    return (error as UserInputError).problems[0]!;
  }
  throw new Error(`${text} was accepted`);
}

describe('filters', () => {
  it.each([
    'arch like vit* and status = SUCCEEDED',
    'architecture = vit_small_patch16_224.augreg_in21k_ft_in1k',
    'status = succeeded AND kind in (external, trained)',
    'tag = baseline and tag = "long run"',
    "tag like 'long*'",
    'size.height = 320 and size.width < 225 and size.width >= 224',
    'item.method = squish',
    'item.method like SQ?ISH and item.method like squ*',
    'accumulation in (1, 2) and epochs != 11',
    'id in (run_1, run_2) and id like run_*',
    'sweep = swp_1 and sweep = "all small"',
    'valid/error_rate < 0.2 and valid/error_rate <= 2.5e-2 and valid/error_rate > .02',
    '"odd" >= 3.',
    "name = 'vit, first try'",
    'not name like convnext*',
    'name like convnext* or name like vit*',
    'not (name like vit* and status = FAILED)',
  ])('%s is true of the run', (text) => expect(accepts(text)).toBe(true));

  it.each([
    'arch like vit',
    'name like VIT*',
    'status != SUCCEEDED',
    'tag in (a, b)',
    'tag != baseline',
    'accumulation in (1, 3)',
    'id = run_2',
    'sweep != "all small"',
    'not not size.height < 320',
  ])('%s is false of the run', (text) => expect(accepts(text)).toBe(false));

  it('binds not closest, then and, then or', () => {
    expect(accepts('name = x and name = x or kind = TRAINED')).toBe(true);
    expect(accepts('kind = TRAINED or name = x and name = x')).toBe(true);
    expect(accepts('(kind = TRAINED or name = x) and name = x')).toBe(false);
    expect(accepts('not name = x and name = x')).toBe(false);
  });

  it('takes a missing value for neither equal, above nor below', () => {
    expect(accepts('valid/loss = 1 or valid/loss < 1 or valid/loss >= 1')).toBe(false);
    expect(accepts('valid/loss != 1 and not valid/loss < 1')).toBe(true);
    expect(matches(parseFilter('sweep != x and not sweep like *'), { ...run, sweep: null })).toBe(true);
  });

  it('takes * and ? of a glob, and nothing else, for wildcards', () => {
    const named = (name: string, glob: string) => matches(parseFilter(`name like "${glob}"`), { ...run, name });
    expect(named('a.c', 'a.c')).toBe(true);
    expect(named('abc', 'a.c')).toBe(false);
    expect(named('a\nb', '?*?')).toBe(true);
    expect(named('🌾', '?')).toBe(true);
    expect(named('100%_[x]', '100%_[x]')).toBe(true);
    expect(named('100 per cent', '100%')).toBe(false);
  });

  it('reads quotes with escapes, and keywords within quotes as values', () => {
    expect(matches(parseFilter(String.raw`name = "say \"and\""`), { ...run, name: 'say "and"' })).toBe(true);
    expect(matches(parseFilter(`name in ('and', 'or')`), { ...run, name: 'or' })).toBe(true);
  });
});

describe('refused filters', () => {
  it.each([
    ['', 1, 'expected a field'],
    ['color = red', 1, 'expected a field'],
    ['name', 5, 'expected one of'],
    ['name < 3', 6, 'expected one of = != like in (name is text), found "<"'],
    ['epochs like 1*', 8, 'expected one of = != < <= > >= in, found "like"'],
    ['name =', 7, 'expected a value, found the end of the filter'],
    ['name = and', 8, 'expected a value, found "and"'],
    ['name = a b', 10, 'expected "and", "or" or the end of the filter, found "b"'],
    ['(name = a', 10, 'expected "and", "or" or ")", found the end of the filter'],
    ['name in a', 9, 'expected "(" and a list of values'],
    ['name in (a b)', 12, 'expected "," or ")"'],
    ['epochs = twelve', 10, 'expected a number, found "twelve"'],
    ['epochs < 1e999', 10, 'expected a number'],
    ['valid/loss < 0x1', 14, 'expected a number'],
    ['kind = TRAINED and status = DONE', 29, 'status is one of QUEUED, RUNNING'],
    ['name = "abc', 8, 'the quote " is never closed'],
    ['name ! x', 6, 'write != or not'],
    ['name = a\0b', 9, 'U+0000'],
  ])('%j at position %d', (text, position, message) => {
    const problem = problemOf(text, ['members', '0', 'filter']);
    expect(problem).toMatchObject({ code: 'INVALID', path: ['members', '0', 'filter'] });
    expect(problem.message).toContain(`position ${position}: `);
    expect(problem.message).toContain(message);
  });

  it('bounds length and nesting', () => {
    expect(problemOf('a'.repeat(4001)).code).toBe('LIMIT_EXCEEDED');
    expect(problemOf('('.repeat(4000)).message).toBe('position 51: "not" and parentheses nest at most 50 deep');
    expect(problemOf(`${'not '.repeat(51)}name = a`).message).toContain('position 201: ');
    expect(accepts(`${'('.repeat(50)}kind = TRAINED${')'.repeat(50)} and ${'not '.repeat(50)}kind = TRAINED`)).toBe(
      true,
    );
  });
});
