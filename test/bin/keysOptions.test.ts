import { describe, expect, test } from 'vitest';
import { parseKeysCommand } from '../../src/bin/keys/options.ts';
import { StartupError } from '../../src/errors.ts';

const day = 86_400_000;

describe('rungraph keys', () => {
  test.each([
    [['create', '--name', 'ci', '--scope', 'write'], { kind: 'create', name: 'ci', scopes: ['WRITE'], lifetime: null }],
    [
      ['create', '--name', 'ci', '--scope', 'READ', '--expires', '90d'],
      { kind: 'create', name: 'ci', scopes: ['READ'], lifetime: 90 * day },
    ],
    [
      ['create', '--name', 'ci', '--scope', 'READ', '--expires', '2w'],
      { kind: 'create', name: 'ci', scopes: ['READ'], lifetime: 14 * day },
    ],
    [
      ['create', '--name', 'ci', '--scope', 'READ', '--expires', '12h'],
      { kind: 'create', name: 'ci', scopes: ['READ'], lifetime: day / 2 },
    ],
    [['list'], { kind: 'list' }],
    [['revoke', 'key_1'], { kind: 'revoke', id: 'key_1' }],
    [['--help'], { kind: 'help' }],
    [[], { kind: 'help' }],
  ])('%j', (args, expected) => expect(parseKeysCommand(args)).toEqual(expected));

  test.each([
    [['create', '--scope', 'READ'], '--name is missing'],
    [['create', '--name', 'x'], '--scope is missing; it must be READ, WRITE, ADMIN'],
    [['create', '--name', 'x', '--scope', 'ROOT'], '--scope is "ROOT"'],
    [['create', 'x', '--scope', 'READ'], 'the name is --name'],
    [['create', '--name', 'x', '--scope', 'READ', '--expires', '90'], '--expires: expected days'],
    [['create', '--name', 'x', '--scope', 'READ', '--expires', '0d'], '--expires: expected days'],
    [['list', 'all'], '"all" is too much'],
    [['list', '--name', 'x'], 'takes none of --name'],
    [['revoke'], 'takes the id of one key'],
    [['revoke', 'a', 'b'], 'takes the id of one key'],
    [['drop'], 'Unknown command keys "drop"'],
    [['list', '--all'], "Unknown option '--all'"],
  ])('%j is refused', (args, message) => {
    expect(() => parseKeysCommand(args)).toThrow(StartupError);
    expect(() => parseKeysCommand(args)).toThrow(message);
  });
});
