import type { FilePolicy } from '../../src/files/roots.ts';

/** Requests may name any file. */
export function openFiles(home: string): FilePolicy {
  const limits = { uploadLimitBytes: 2 ** 30, uploadsLimitBytes: 2 ** 33, unpackedLimitBytes: 2 ** 30 };
  return { home, dataRoots: null, weightsRoots: null, ...limits };
}
