import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { archiveFormat, notAnArchive } from '../archives/format.ts';
import { refuse, type UserErrorCode } from '../errors.ts';
import { type FilePolicy, OutsideRootsError, realpathWithin } from '../files/roots.ts';

export interface LocatedSource {
  readonly kind: 'folder' | 'archive';
  /** Absolute; without links where the roots are limited. */
  readonly file: string;
}

/**
 * The folder or archive that a request names by its path on this machine.
 * @throws UserInputError on `path`
 */
export async function locateSource({ dataRoots }: FilePolicy, given: string): Promise<LocatedSource> {
  const problem = (code: UserErrorCode, message: string) => refuse(code, message, ['path']);
  if (given.trim() === '' || given.includes('\0'))
    throw problem('INVALID', 'must be the path of a folder or an archive');
  // Not shown: it may hold a password.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(given))
    throw problem('INVALID', "is a URL; give a path on the server's machine, or upload the archive");
  const absolute = path.resolve(given);
  try {
    const real = await realpathWithin(dataRoots, absolute, 'RUNGRAPH_DATA_ROOTS');
    const file = dataRoots ? real : absolute;
    const found = await stat(file);
    if (found.isDirectory()) {
      await access(file, constants.R_OK | constants.X_OK);
      return { kind: 'folder', file };
    }
    // Of a pipe or a device there may be no end, or no beginning.
    if (!found.isFile()) throw problem('INVALID', `${absolute} is neither a folder nor a file`);
    if (await archiveFormat(file)) return { kind: 'archive', file };
    throw problem('INVALID', `${absolute} is not a folder, and ${notAnArchive}`);
  } catch (error) {
    if (error instanceof OutsideRootsError) throw problem('INVALID', error.message);
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ENOENT':
        throw problem('NOT_FOUND', `there is no folder or archive ${absolute} on the server's machine`);
      case 'ENOTDIR':
        throw problem('INVALID', `a part of ${absolute} is not a folder`);
      case 'EACCES':
      case 'EPERM':
        throw problem('INVALID', `the server may not read ${absolute}; change its permissions`);
      case 'ENAMETOOLONG':
        throw problem('INVALID', 'is longer than the paths of this file system, or a name in it is');
      case 'ELOOP':
        throw problem('INVALID', `the links of ${absolute} lead in a circle`);
      case undefined:
        throw error;
      default:
        throw problem('INVALID', `${absolute} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }
}
