import { count as formatCount } from '../format/numbers.ts';
import type { Bin } from './bins.ts';
import styles from './Histogram.module.css';

/** How often which values occur: bars over bins of equal width (`binned`). */
export function Histogram({
  label,
  bins,
  xLabel,
  formatX = String,
  height = 120,
}: {
  readonly label: string;
  readonly bins: readonly Bin[];
  readonly xLabel: string;
  readonly formatX?: (x: number) => string;
  /** Pixels. */
  readonly height?: number;
}) {
  const greatest = bins.reduce((most, { count }) => Math.max(most, count), 0);
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  const fullest = bins.find(({ count }) => count === greatest);
  const about = fullest && greatest > 0 ? `, most between ${formatX(fullest.from)} and ${formatX(fullest.to)}` : '';
  return (
    <figure className={styles.figure}>
      <div
        className={styles.plot}
        style={{ height }}
        role="img"
        aria-label={`${label}: ${formatCount(total)} values over ${xLabel}${about}`}
      >
        {bins.map(({ from, to, count }) => (
          <span key={from} className={styles.bin} title={`${formatX(from)} to ${formatX(to)}: ${formatCount(count)}`}>
            <span
              className={styles.bar}
              style={{ height: greatest === 0 ? 0 : `max(${count > 0 ? 1 : 0}px, ${(count / greatest) * 100}%)` }}
            />
          </span>
        ))}
      </div>
      <div className={styles.axis} aria-hidden="true">
        <span>{bins[0] && formatX(bins[0].from)}</span>
        {xLabel}
        <span>{bins.at(-1) && formatX(bins.at(-1)!.to)}</span>
      </div>
    </figure>
  );
}
