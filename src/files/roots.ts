/** Which files of this machine a request may name: those below certain folders, wherever links lead. */

import { realpath } from 'node:fs/promises';
import path from 'node:path';

/** Absolute folders; null: any file that this process may read. */
export type Roots = readonly string[] | null;

/** What the commands and the worker know of the files of their machine. */
export interface FilePolicy {
  /** RUNGRAPH_HOME, absolute. */
  readonly home: string;
  /** Where data sets may lie that a request names by path. */
  readonly dataRoots: Roots;
  /** Where weights may lie that a run's `weightsUri` names by path. */
  readonly weightsRoots: Roots;
  /** Bytes of one upload. */
  readonly uploadLimitBytes: number;
  /** Bytes that uploads together may have which wait to be imported. */
  readonly uploadsLimitBytes: number;
  /** Bytes that one archive may unpack to. */
  readonly unpackedLimitBytes: number;
}

/** A path that leads out of the roots. Whether there is anything is not told. */
export class OutsideRootsError extends Error {
  override readonly name = 'OutsideRootsError';

  constructor(file: string, roots: readonly string[], variable: string) {
    const allowed = roots.length ? roots.join(', ') : 'none';
    super(`${file} is outside of the folders that may be named here (${allowed}); ${variable} sets them`);
  }
}

/**
 * The path with every link in it resolved, which lies below one of the roots. Throws OutsideRootsError, or what realpath throws.
 * @param variable of the environment that sets these roots
 */
export async function realpathWithin(
  roots: Roots,
  file: string,
  variable: 'RUNGRAPH_DATA_ROOTS' | 'RUNGRAPH_WEIGHTS_ROOTS',
): Promise<string> {
  const absolute = path.resolve(file);
  if (roots === null) return realpath(absolute);
  const real = (await Promise.all(roots.map((root) => realpath(root).catch(() => [])))).flat();
  const refusal = new OutsideRootsError(absolute, roots, variable);
  // Before the file system is asked, whose answers would tell of files outside.
  if (![...roots, ...real].some((root) => isBelow(absolute, root))) throw refusal;
  const target = await realpath(absolute);
  if (!real.some((root) => isBelow(target, root))) throw refusal;
  return target;
}

/** Whether an absolute path is a folder or lies below it, by their names alone. */
export function isBelow(file: string, folder: string): boolean {
  const way = path.relative(folder, file);
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way);
}
