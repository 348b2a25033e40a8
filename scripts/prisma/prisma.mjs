import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs Prisma's CLI from the repository root. Resolves with its exit status and its output, stdout and stderr apart. */
export function prisma(args, databaseUrl) {
  const env = { ...process.env, ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}) };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['node_modules/prisma/build/index.js', ...args],
      { cwd: root, env, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => resolve({ status: error ? (error.code ?? 1) : 0, stdout, stderr }),
    );
  });
}
