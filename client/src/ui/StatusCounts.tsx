import styles from './Status.module.css';
import { Status } from './Status.tsx';

/** What matters most comes first, for where there is little room the rest is cut off. */
const order = ['RUNNING', 'CANCELING', 'QUEUED', 'FAILED', 'SUCCEEDED', 'CANCELED'] as const;

/** How many of something are in each status. */
export function StatusCounts({
  counts,
}: {
  readonly counts: readonly { readonly status: (typeof order)[number]; readonly count: number }[];
}) {
  const sorted = order.flatMap((status) => counts.find((one) => one.status === status) ?? []);
  return (
    <span
      className={styles.counts}
      title={sorted.map(({ status, count }) => `${count} ${status.toLowerCase()}`).join(', ')}
    >
      {sorted.map(({ status, count }) => (
        <Status key={status} of={status} amount={count} />
      ))}
    </span>
  );
}
