/** Process of test/db/embeddedPostgres.test.ts: starts or joins the PostgreSQL of home argv[2] and prints which, as JSON. */
import { startEmbeddedPostgres } from '../../../src/db/embeddedPostgres.ts';

const { url, joined } = await startEmbeddedPostgres(process.argv[2]!, { settings: { fsync: 'off' } });
console.log(JSON.stringify({ url, joined }));
