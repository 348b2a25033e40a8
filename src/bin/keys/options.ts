import { parseArgs } from 'node:util';
import { type Scope, scopes } from '../../domain/viewer.ts';
import { messageOf, StartupError } from '../../errors.ts';

export type KeysCommand =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'create';
      readonly name: string;
      readonly scopes: readonly Scope[];
      /** Milliseconds from now; null: never expires. */
      readonly lifetime: number | null;
    }
  | { readonly kind: 'list' }
  | { readonly kind: 'revoke'; readonly id: string };

export const keysUsage = `Usage: rungraph keys create --name NAME --scope SCOPE [--expires 90d]
       rungraph keys list
       rungraph keys revoke ID

API keys of a server with RUNGRAPH_AUTH=keys. Works on the database itself (RUNGRAPH_HOME or DATABASE_URL), whether the server runs or not.

  --name NAME      for people
  --scope SCOPE    READ: queries, subscriptions, downloads; WRITE: also mutations and uploads; ADMIN: also keys and the audit log
  --expires TIME   after so many days (90d), weeks (12w) or hours (8h); default: never
  --help           prints this

create prints the key to standard output, this once: the database has only its hash.
`;

/** Throws StartupError that names what is wrong. */
export function parseKeysCommand(args: readonly string[]): KeysCommand {
  const { values, positionals } = parse(args);
  const [command, id, ...more] = positionals;
  if (values.help || command === undefined) return { kind: 'help' };
  if (command !== 'create' && (values.name ?? values.scope ?? values.expires) !== undefined) {
    throw new StartupError(`keys ${command} takes none of --name, --scope and --expires`);
  }
  switch (command) {
    case 'create':
      if (id !== undefined)
        throw new StartupError(`keys create: ${JSON.stringify(id)} is too much; the name is --name`);
      if (values.name === undefined) throw new StartupError('keys create: --name is missing');
      return {
        ...{ kind: 'create', name: values.name, scopes: [scopeOf(values.scope)] },
        lifetime: values.expires === undefined ? null : lifetimeOf(values.expires),
      };
    case 'list':
      if (id !== undefined) throw new StartupError(`keys list: ${JSON.stringify(id)} is too much`);
      return { kind: 'list' };
    case 'revoke':
      if (id === undefined || more.length)
        throw new StartupError('keys revoke takes the id of one key, as keys list shows it');
      return { kind: 'revoke', id };
    default:
      throw new StartupError(`Unknown command keys ${JSON.stringify(command)}\n\n${keysUsage}`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: true,
      options: {
        name: { type: 'string' },
        scope: { type: 'string' },
        expires: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new StartupError(`${messageOf(error)}\n\n${keysUsage}`);
  }
}

function scopeOf(text: string | undefined): Scope {
  const scope = scopes.find((known) => known === text?.toUpperCase());
  if (scope) return scope;
  const given = text === undefined ? 'is missing' : `is ${JSON.stringify(text)}`;
  throw new StartupError(`keys create: --scope ${given}; it must be ${scopes.join(', ')}`);
}

const hours: Readonly<Record<string, number>> = { h: 1, d: 24, w: 7 * 24 };

function lifetimeOf(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([hdw])$/.exec(text) ?? [];
  if (count && unit) return Number(count) * hours[unit]! * 3_600_000;
  throw new StartupError(
    `keys create: --expires: expected days (90d), weeks (12w) or hours (8h), got ${JSON.stringify(text)}`,
  );
}
