/** Process of test/db/lockFile.test.ts: takes the lock argv[2] and keeps it until killed. */
import { acquireLock } from '../../../src/locks/lockFile.ts';

await acquireLock(process.argv[2]!);
console.log('held');
setInterval(() => {}, 60_000);
