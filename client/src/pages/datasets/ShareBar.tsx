import styles from './ShareBar.module.css';

/** A value as a bar beside the greatest of its kind, and what is said of it. */
export function ShareBar({
  value,
  most,
  text,
}: {
  readonly value: number;
  readonly most: number;
  readonly text: string;
}) {
  return (
    <span className={styles.frame}>
      <span className={styles.track}>
        <span className={styles.bar} style={{ width: `${most > 0 ? (value / most) * 100 : 0}%` }} />
      </span>
      <span className={styles.text}>{text}</span>
    </span>
  );
}
