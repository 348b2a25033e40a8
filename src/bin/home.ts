import path from 'node:path';
import { StartupError } from '../errors.ts';
import { acquireLock, type LockFile, LockHeldError } from '../locks/lockFile.ts';

/** Makes this process the only server of a home. Throws StartupError naming the process that is. */
export async function claimHome(home: string): Promise<LockFile> {
  try {
    return await acquireLock(path.join(home, 'server.lock'));
  } catch (error) {
    if (error instanceof LockHeldError) {
      throw new StartupError(
        `${home} is in use by another Rungraph server (process ${error.pid}). Stop it, or set RUNGRAPH_HOME to another folder`,
      );
    }
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined) {
      throw new StartupError(`RUNGRAPH_HOME: ${home} cannot be written to (${code}); set it to a folder of your own`);
    }
    throw error;
  }
}
