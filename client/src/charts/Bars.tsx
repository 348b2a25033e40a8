import type { ReactNode } from 'react';
import { classes } from '../ui/classes.ts';
import { Name } from '../ui/Name.tsx';
import styles from './Bars.module.css';

export interface Bar {
  readonly key: string;
  readonly label: string;
  /** What stands in place of the label, e.g. a link. */
  readonly heading?: ReactNode;
  /** Zero or more; null: none (yet), its row stays empty. */
  readonly value: number | null;
  /** What is said of the value; else the value, formatted. */
  readonly text?: string;
  /** `bad` is striped as well. */
  readonly tone?: 'plain' | 'quiet' | 'bad';
}

/** Bars to the right, one below the other, on one scale from 0; with a line across all of them where something is to be compared with. */
export function Bars({
  label,
  bars,
  format,
  reference,
}: {
  readonly label: string;
  readonly bars: readonly Bar[];
  readonly format: (value: number) => string;
  /** E.g. a budget. */
  readonly reference?: { readonly value: number; readonly label: string };
}) {
  const greatest = bars.reduce((most, { value }) => Math.max(most, value ?? 0), (reference?.value ?? 0) * 1.05);
  const share = (value: number) => `${greatest > 0 ? (value / greatest) * 100 : 0}%`;
  return (
    <ul className={styles.bars} aria-label={label}>
      {reference && (
        <li className={styles.caption}>
          <span className={styles.key} />
          {reference.label} {format(reference.value)}
        </li>
      )}
      {bars.map(({ key, label: name, heading, value, text, tone = 'plain' }) => (
        <li key={key} className={classes(styles.bar, styles[tone])}>
          <span className={styles.label}>{heading ?? <Name>{name}</Name>}</span>
          <span className={styles.track}>
            {value !== null && <span className={styles.fill} style={{ width: share(value) }} />}
            {reference && <span className={styles.reference} style={{ left: share(reference.value) }} />}
          </span>
          <span className={styles.value}>{text ?? (value === null ? '' : format(value))}</span>
        </li>
      ))}
    </ul>
  );
}
