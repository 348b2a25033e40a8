import path from 'node:path';
import { StartupError } from '../errors.ts';
import { acquireLock, type LockFile, LockHeldError } from '../locks/lockFile.ts';
import { makeFolder } from '../makeFolder.ts';

/** Makes this process the only server of a home. Throws StartupError naming the process that is. */
export async function claimHome(home: string): Promise<LockFile> {
  try {
    await makeFolder(home);
    return await acquireLock(path.join(home, 'server.lock'));
  } catch (error) {
    if (error instanceof LockHeldError) {
      throw new StartupError(
        `${home} is in use by another Rungraph server (process ${error.pid}). Stop it, or set RUNGRAPH_HOME to another folder`,
      );
    }
    throw unwritable(home, error);
  }
}

/** A StartupError where `error` is of the file system: what of a home could not be written. Others as they are. */
export function unwritable(home: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  return new StartupError(`RUNGRAPH_HOME: ${home} cannot be written to (${code}); set it to a folder of your own`);
}
