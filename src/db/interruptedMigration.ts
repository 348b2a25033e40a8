/**
 * A process may be killed while it migrates. The engine records a migration before its script runs and after: what was killed between
 * the two looks failed, and nobody would dare to go on. So each script says in its own transaction that it has run.
 */

import type pg from 'pg';

const applied = 'applied by rungraph';

/** To be run after a migration's script, in its transaction. */
export const applicationMark = `
do $$ begin
  if to_regclass('_prisma_migrations') is not null then
    update _prisma_migrations set logs = '${applied}' where finished_at is null and rolled_back_at is null;
  end if;
end $$;`;

/** Call where nobody else migrates: a killed migration counts as finished where its script has run, and as never begun where not. */
export async function settleInterrupted(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('_prisma_migrations') is not null as there`,
  );
  if (!rows[0]?.there) return;
  await client.query(
    `update _prisma_migrations set finished_at = coalesce(finished_at, now()), applied_steps_count = 1, logs = null
     where logs = '${applied}' and rolled_back_at is null`,
  );
  // One that failed has the reason among its logs, and stays.
  await client.query(
    'delete from _prisma_migrations where finished_at is null and rolled_back_at is null and logs is null',
  );
}
