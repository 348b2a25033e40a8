/**
 * npm run migration -- add_something        writes prisma/migrations/<now>_add_something from the difference to schema.prisma
 * npm run migration -- 20261123000000_initial   makes an existing, unreleased migration anew
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { prisma } from './prisma.mjs';
import { withTemporaryDatabase } from './temporary-database.mjs';

const migrations = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));
const name = process.argv[2];
if (!/^[a-z0-9_]+$/.test(name ?? '')) {
  console.error('Usage: npm run migration -- NAME   (lower case, digits and underscores)');
  process.exit(1);
}
const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
const folder = path.join(migrations, existsSync(path.join(migrations, name)) ? name : `${stamp}_${name}`);

const earlier = await mkdtemp(path.join(os.tmpdir(), 'rungraph-migrations-'));
await cp(migrations, earlier, { recursive: true, filter: (source) => source !== folder });
const result = await withTemporaryDatabase((url) =>
  prisma(['migrate', 'diff', '--from-migrations', earlier, '--to-schema', 'prisma/schema.prisma', '--script'], url),
);
await rm(earlier, { recursive: true });
if (result.status !== 0) {
  console.error(result.stderr);
  process.exit(1);
}
await mkdir(folder, { recursive: true });
await writeFile(path.join(folder, 'migration.sql'), result.stdout);
console.log(`Wrote ${path.relative(process.cwd(), folder)}/migration.sql`);
