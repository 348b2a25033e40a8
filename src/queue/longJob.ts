import type { PgBoss } from 'pg-boss';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';

/** A claim on a job: pg-boss counts deliveries, and whoever was given up by it can change nothing. */
export interface Claim {
  readonly id: string;
  readonly retryCount: number;
  readonly expireInSeconds: number;
}

/** Milliseconds between two signs of life, and between two tries to make a job fresh. */
const touchInterval = 3_000;

/**
 * Runs the handler of a claimed job, which may take longer than pg-boss lets a job run. Half-way to its expiry the job becomes a
 * fresh one in one statement: another id, begun now, in the same hands. Nobody but pg-boss sees the difference, who keeps its hands
 * off the new id; it is kept alive and ended here.
 */
export async function handleLongJob(
  boss: PgBoss,
  kind: string,
  claimed: Claim,
  handler: () => Promise<void>,
  log: Logger,
): Promise<void> {
  const renewAfter = (claimed.expireInSeconds / 2) * 1000;
  let claim: Pick<Claim, 'id' | 'retryCount'> = claimed;
  let renewedAt = performance.now();
  let working: Promise<void> | undefined;

  const keep = async () => {
    if (claim !== claimed) await boss.touch(kind, [claim]);
    if (performance.now() - renewedAt < renewAfter) return;
    const fresh = await renew(boss, kind, claim);
    // No row: the job is in other hands, and the fencing tokens of its attempts say so.
    if (fresh) claim = fresh;
    renewedAt = performance.now();
  };
  const timer = setInterval(
    () => {
      working ??= keep()
        .catch((error: unknown) => log.warn({ err: error }, `job kept in hand: ${messageOf(error)}`))
        .finally(() => {
          working = undefined;
        });
    },
    Math.min(touchInterval, renewAfter / 4),
  );
  const end = async () => {
    clearInterval(timer);
    await working;
  };
  try {
    await handler();
  } catch (error) {
    await end();
    // pg-boss reports it for the job that it knows.
    if (claim !== claimed) await boss.fail(kind, [claim], { message: messageOf(error) });
    throw error;
  }
  await end();
  if (claim !== claimed) await boss.complete(kind, [claim]);
}

async function renew(boss: PgBoss, kind: string, { id, retryCount }: Omit<Claim, 'expireInSeconds'>) {
  const { rows } = await boss.getDb().executeSql(
    `update pgboss.job set id = gen_random_uuid(), retry_count = 0, started_on = now(), heartbeat_on = now()
     where name = $1 and id = $2 and state = 'active' and retry_count = $3 returning id`,
    [kind, id, retryCount],
  );
  const fresh = rows[0] as { id: string } | undefined;
  return fresh && { id: fresh.id, retryCount: 0 };
}
