/** Reading one image of a data set again, long after its import: its folder may have changed meanwhile. */

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { datasetsOf, locateRoot } from './datasetFolders.ts';
import { type FilePolicy, isBelow, OutsideRootsError, realpathWithin } from './roots.ts';

export interface ImportedImage {
  /** Of the data set; relative to the home for archives. */
  readonly root: string;
  /** Below the root. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256. */
  readonly contentHash: string;
}

/**
 * The real path of a data set's root.
 * @throws OutsideRootsError when it is not where requests may name data sets; what realpath throws
 */
export async function resolveRoot({ home, dataRoots }: FilePolicy, root: string): Promise<string> {
  const unpacked = !path.isAbsolute(root);
  return realpathWithin(unpacked ? [datasetsOf(home)] : dataRoots, locateRoot(home, root), 'RUNGRAPH_DATA_ROOTS');
}

/**
 * The bytes that were imported, and nothing else: read inside of the data set's folder, wherever links lead by now, and compared
 * with their hash.
 * @throws Error whose message is the reason, without the path
 */
export async function readImportedImage(policy: FilePolicy, image: ImportedImage): Promise<Buffer> {
  const file = await locate(policy, image);
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (found.isFile() && found.size === image.bytes) {
      const bytes = await handle.readFile();
      if (createHash('sha256').update(bytes).digest('hex') === image.contentHash) return bytes;
    }
    throw new Error('it is not the file that was imported; import the data set again');
  } finally {
    await handle.close();
  }
}

async function locate(policy: FilePolicy, image: ImportedImage): Promise<string> {
  try {
    const root = await resolveRoot(policy, image.root);
    const file = await realpath(path.join(root, image.path));
    if (isBelow(file, root)) return file;
  } catch (error) {
    if (error instanceof OutsideRootsError) throw error;
    throw new Error(`it is not there, or not on this machine (${(error as NodeJS.ErrnoException).code})`);
  }
  throw new Error("it has become a link out of the data set's folder");
}
