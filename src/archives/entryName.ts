/** What the name of an entry means: a place below the folder that is unpacked into, or a refusal. */

import { isLeftover } from '../domain/leftovers.ts';
import { ArchiveError } from './errors.ts';
import { nameLimits } from './limits.ts';

export type PlaceOrReason =
  | { readonly kind: 'place'; readonly parts: readonly string[] }
  | { readonly kind: 'leftover' }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * The parts of the path that an entry gets.
 * @throws ArchiveError for a name that leads elsewhere: who writes such an archive is not to be trusted with the rest
 */
export function placeOf(name: string | undefined): PlaceOrReason {
  if (name === undefined) return { kind: 'refused', reason: 'its name is not UTF-8 text' };
  const elsewhere = escapeOf(name);
  if (elsewhere) {
    throw new ArchiveError(`has an entry ${JSON.stringify(shortened(name))}, which ${elsewhere}; nothing was unpacked`);
  }
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.some(isLeftover)) return { kind: 'leftover' };
  const { depth, partBytes, bytes } = nameLimits;
  if (parts.length > depth) return { kind: 'refused', reason: `lies more than ${depth - 1} folders deep` };
  if (parts.some((part) => Buffer.byteLength(part) > partBytes) || Buffer.byteLength(name) > bytes) {
    return { kind: 'refused', reason: `a part of its name has more than ${partBytes} bytes, or all of it ${bytes}` };
  }
  return { kind: 'place', parts };
}

function escapeOf(name: string): string | undefined {
  if (name.includes('\0')) return 'contains a NUL byte';
  if (name.startsWith('/')) return 'is an absolute path';
  if (name.includes('\\')) return 'contains a backslash; make the archive with / between folders';
  if (/^[a-z]:/i.test(name)) return 'begins with a drive letter';
  if (name.split('/').includes('..')) return 'leads out of the archive';
  return undefined;
}

/** A name fit for a message and for the report, which does not take NUL. */
export function shortened(name: string): string {
  const visible = name.replaceAll('\0', '\u2400');
  return visible.length > 300 ? `${visible.slice(0, 300)}…` : visible;
}
