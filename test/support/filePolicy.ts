import type { FilePolicy } from '../../src/files/roots.ts';

/** Requests may name any file. */
export function openFiles(home: string): FilePolicy {
  return { home, dataRoots: null, weightsRoots: null, uploadLimitBytes: 2 ** 30, unpackedLimitBytes: 2 ** 30 };
}
