import { parseArgs } from 'node:util';
import { messageOf, StartupError } from '../errors.ts';

/** Of a command that has no options. */
export interface CommandHelp {
  readonly command: string;
  /** Begins with `Usage:`. */
  readonly usage: string;
  /** Words that follow the command. */
  readonly words: number;
}

/** The words that follow a command; null when help was asked for. Throws StartupError that names what is wrong. */
export function parseWords({ command, usage, words }: CommandHelp, args: readonly string[]): string[] | null {
  const { values, positionals } = parse({ command, usage, words }, args);
  if (values.help) return null;
  if (positionals.length !== words) throw new StartupError(usage);
  return positionals;
}

function parse({ command, usage, words }: CommandHelp, args: readonly string[]) {
  try {
    const options = { help: { type: 'boolean', default: false } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: words > 0, strict: true });
  } catch (error) {
    throw new StartupError(`${command}: ${messageOf(error)}\n\n${usage}`);
  }
}
