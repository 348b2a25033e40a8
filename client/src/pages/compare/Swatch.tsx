import styles from './Compare.module.css';
import { lookOf } from './look.ts';

/** The line of a run as charts draw it. */
export function Swatch({ place }: { readonly place: number }) {
  const { colour, dashed } = lookOf(place);
  return (
    <svg className={styles.swatch} viewBox="0 0 18 8" aria-hidden="true" style={{ color: colour }}>
      <path d="M0 4h18" stroke="currentColor" strokeWidth="3" strokeDasharray={dashed ? '6 4' : undefined} />
    </svg>
  );
}
