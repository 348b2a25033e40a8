/**
 * Process of test/commands/garbage.test.ts: makes runs with files out of some contents, deletes them, and collects the garbage, without
 * a pause, until it is killed. argv: database URL, folder of blobs, seed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalStore } from '../../../src/blobs/localStore.ts';
import { holdBlobs } from '../../../src/commands/blobs.ts';
import { createCommandContext } from '../../../src/commands/context.ts';
import { cleanUp } from '../../../src/commands/housekeeping.ts';
import { deleteRun } from '../../../src/commands/run.ts';
import { inTransaction } from '../../../src/commands/transaction.ts';
import { openDatabase } from '../../../src/db/database.ts';
import { newId } from '../../../src/domain/ids.ts';
import { createRandom } from '../../../src/domain/random.ts';
import { UserInputError } from '../../../src/errors.ts';
import { createRunWaker } from '../../../src/events/waker.ts';
import { createLogger } from '../../../src/log.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { insertArtifact } from '../../../src/store/artifact.ts';
import { openFiles } from '../filePolicy.ts';
import { usualRetention as policy } from '../retention.ts';

const [url, folder, seed] = process.argv.slice(2) as [string, string, string];
const db = await openDatabase(url);
const queue = await openQueue(url, { consumes: false, log: createLogger('churn', 'silent') });
const ctx = createCommandContext({
  ...{ db, queue, blobs: createLocalStore(folder), files: openFiles(folder), waker: createRunWaker(db) },
});
const random = createRandom(Number(seed), 'churn');
const { id: experimentId } = await db.prisma.experiment.findFirstOrThrow();

async function add(): Promise<void> {
  const { hash: contentHash, size } = await ctx.blobs.put(Buffer.from(`content ${random.integer(40)}`));
  // As a worker that has more to do before it names them.
  await sleep(random.next() * 20);
  const runId = newId('run');
  await inTransaction(ctx, async (tx) => {
    await holdBlobs(ctx, tx, [contentHash]);
    const run = {
      id: runId,
      name: runId,
      kind: 'TRAINED',
      status: 'SUCCEEDED',
      architecture: 'convnext_atto',
    } as const;
    await tx.run.create({ data: { ...run, experimentId, tags: [], config: {} } });
    const artifact = { id: newId('artifact'), runId, name: 'file', kind: 'FILE', size, contentHash } as const;
    await insertArtifact(tx, { ...artifact, createdAt: new Date() });
  });
}

async function remove(): Promise<void> {
  const run = await db.prisma.run.findFirst({
    orderBy: { id: random.integer(2) ? 'asc' : 'desc' },
    select: { id: true },
  });
  if (run) await deleteRun(ctx, run.id);
}

console.log('churning');
for (;;) {
  const draw = random.next();
  try {
    if (draw < 0.5) await add();
    else if (draw < 0.7) await remove();
    else await cleanUp(ctx, { policy, grace: 0 });
  } catch (error) {
    // Of two that remove or name the same at once, one is refused.
    if (!(error instanceof UserInputError)) throw error;
  }
}
