/** Two trainers never compute one run at once: who takes over has fenced the former attempts and now sees to it that their trainers are dead. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandContext } from '../commands/context.ts';
import { isGone } from '../locks/processes.ts';
import { type FormerAttempt, findFormerAttempts } from '../store/lease.ts';
import type { HeldAttempt } from './heldAttempt.ts';
import { persist } from './persist.ts';

const interval = 200;

/**
 * Waits until nobody can be computing an earlier attempt of the run. On this machine their trainers are killed; others have ended by
 * themselves when their leases are over, at the latest.
 * @param machine this one's key, undefined where it has none
 * @param tell gets a line when it takes more than a moment
 */
export async function awaitFormerTrainers(
  ctx: CommandContext,
  attempt: HeldAttempt,
  machine: string | undefined,
  tell: (line: string) => void,
): Promise<void> {
  for (let looks = 0; !attempt.reason; looks++) {
    const former = await persist(() => findFormerAttempts(ctx.db.prisma, attempt.token));
    const alive = former.filter((one) => mayCompute(one, machine));
    const [first] = alive;
    if (!first) return;
    if (looks === 2) tell(`attempt ${first.number} may still be computed elsewhere: waiting until that is over`);
    await sleep(interval);
  }
}

function mayCompute({ pid, pidStart, machine }: FormerAttempt, here: string | undefined): boolean {
  if (here === undefined || machine !== here) return true;
  // Trainers get their job when they are stored, which the fence has ended.
  if (pid === null) return false;
  if (pidStart === null) return true;
  if (isGone(pid, pidStart)) return false;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone this moment, or another user's, which time will end.
  }
  return true;
}
