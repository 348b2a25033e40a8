import { count, percent } from '../../format/numbers.ts';
import { classes } from '../../ui/classes.ts';
import { Name } from '../../ui/Name.tsx';
import { distance, type LabelCount, labelShares } from './distribution.ts';
import styles from './ensembles.module.css';

/** How often each label is predicted, beside how often it occurs among the training images. */
export function LabelDistribution({
  counts,
  training,
  outdated = false,
}: {
  readonly counts: readonly LabelCount[];
  readonly training: readonly LabelCount[];
  readonly outdated?: boolean;
}) {
  const shares = labelShares(counts, training);
  const apart = distance(shares);
  const greatest = Math.max(1e-9, ...shares.map(({ share, expected }) => Math.max(share, expected ?? 0)));
  const width = (share: number) => `${(share / greatest) * 100}%`;
  return (
    <div className={classes(outdated && styles.outdated)} aria-busy={outdated}>
      <div className={styles.key} aria-hidden="true">
        <span>
          <span className={styles.swatch} /> predicted
        </span>
        {apart !== null && (
          <span>
            <span className={styles.tick} /> among the training images
          </span>
        )}
      </div>
      <ul className={styles.labels} aria-label="Predicted labels">
        {shares.map(({ label, count: images, share, expected }) => (
          <li key={label} className={styles.labelRow}>
            <span className={styles.labelName}>
              <Name>{label}</Name>
            </span>
            <span className={styles.track}>
              <span className={styles.bar} style={{ width: width(share) }} />
              {expected !== null && (
                <span
                  className={styles.mark}
                  style={{ left: width(expected) }}
                  title={`${percent(expected, 1)} of the training images`}
                />
              )}
            </span>
            <span className={styles.number}>{count(images)}</span>
            <span className={styles.number}>
              {percent(share, 1)}
              {expected !== null && (
                <span className="visually-hidden"> of predictions, {percent(expected, 1)} of the training images</span>
              )}
            </span>
          </li>
        ))}
      </ul>
      {apart !== null && (
        <p className={styles.note}>
          {percent(apart, 1)} of the predictions would have to be of another label to occur as often as in training.
        </p>
      )}
    </div>
  );
}
