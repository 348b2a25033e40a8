/** Secrets that this program hands out once and then knows by their hash only. */

import { createHash, randomBytes } from 'node:crypto';

/** What API keys begin with, so that they are recognised where they do not belong. */
export const apiKeyPrefix = 'rungraph_';

/** 256 random bits in hexadecimal, behind a prefix. */
export function newSecret(prefix = ''): string {
  return prefix + randomBytes(32).toString('hex');
}

/** SHA-256, in hexadecimal. Of 256 random bits there is nothing to guess, so it needs neither salt nor slowness, and is found by an index. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
