import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { count, percent, significant } from '../../format/numbers.ts';
import { imagesOf, splitWords } from '../../format/splits.ts';
import type { EnsembleRunFragment, Split } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { classes } from '../../ui/classes.ts';
import { Name } from '../../ui/Name.tsx';
import styles from './ensembles.module.css';
import { bestMember, comparison } from './scores.ts';

/** How good an ensemble is on one labelled split, beside the best of its members. */
export function SplitScore({
  split,
  score,
  members,
  outdated = false,
  children,
}: {
  readonly split: Split;
  /** Null: there is none. */
  readonly score: { readonly errorRate: number; readonly logLoss: number; readonly rowCount?: number } | null;
  readonly members: readonly EnsembleRunFragment[];
  /** What is shown is of another choice: the new one is being computed. */
  readonly outdated?: boolean;
  /** In place of figures, and why. */
  readonly children?: ReactNode;
}) {
  const best = bestMember(members, split);
  return (
    <section
      className={classes(styles.score, outdated && styles.outdated)}
      aria-label={splitWords[split]}
      aria-busy={outdated}
    >
      <h3 className={styles.split}>Error rate on {imagesOf(split)}</h3>
      {score && (
        <>
          <p className={styles.figure}>{percent(score.errorRate)}</p>
          <p>
            {score.rowCount !== undefined &&
              `${count(Math.round(score.errorRate * score.rowCount))} of ${count(score.rowCount)} images wrong, `}
            log loss {significant(score.logLoss, 3)}
          </p>
          {best && (
            <p className={styles.note}>
              <span className={tone(score.errorRate, best.errorRate)}>
                {comparison(score.errorRate, best.errorRate)}
              </span>{' '}
              its best member,{' '}
              <Link href={routes.run(best.run.id)}>
                <Name>{best.run.name}</Name>
              </Link>{' '}
              ({percent(best.errorRate)}, log loss {significant(best.logLoss, 3)})
            </p>
          )}
        </>
      )}
      {children}
    </section>
  );
}

function tone(errorRate: number, best: number): string | undefined {
  if (Math.abs(errorRate - best) < 5e-5) return undefined;
  return errorRate < best ? styles.good : styles.bad;
}
