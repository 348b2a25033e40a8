/** Process of test/db/migrate.test.ts: migrates argv[2] and prints what it applied, as JSON. */
import { migrate } from '../../../src/db/migrate.ts';

console.log(JSON.stringify(await migrate(process.argv[2]!)));
process.exit();
