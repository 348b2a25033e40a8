import styles from './Sparkline.module.css';
import { sparkPath } from './sparkPath.ts';

export interface SparklineProps {
  /** What it shows, with the numbers that matter: all that a screen reader says of it. */
  readonly label: string;
  /** At equal distances; null: a gap. */
  readonly values: readonly (number | null)[];
  /** Pixels. */
  readonly width?: number;
  readonly height?: number;
  /** A CSS colour. */
  readonly colour?: string;
}

/** A line as high as a word, in lists: only the course, no axes. It takes its room also while there are no values. */
export function Sparkline({ label, values, width = 96, height = 20, colour = 'var(--accent)' }: SparklineProps) {
  const { path, last } = sparkPath(values, width - 4, height - 4);
  return (
    <svg
      className={styles.sparkline}
      width={width}
      height={height}
      viewBox={`-2 -2 ${width} ${height}`}
      style={{ color: colour }}
      role="img"
      aria-label={label}
    >
      <path className={styles.line} d={path} />
      {last && <circle className={styles.last} cx={last[0]} cy={last[1]} r="2" />}
    </svg>
  );
}
