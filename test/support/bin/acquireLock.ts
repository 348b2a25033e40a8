/** Process of test/db/lockFile.test.ts: takes the lock argv[2], notes in argv[3] that it holds it, and lets go. */
import { appendFile } from 'node:fs/promises';
import { acquireLock } from '../../../src/locks/lockFile.ts';

const [, , file, journal] = process.argv as [string, string, string, string];
console.log('ready');
for (let round = 0; round < 10; round++) {
  const lock = await acquireLock(file, 60_000);
  await appendFile(journal, `+${process.pid}\n`);
  await appendFile(journal, `-${process.pid}\n`);
  await lock.release();
}
