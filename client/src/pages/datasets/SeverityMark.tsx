import { classes } from '../../ui/classes.ts';
import styles from './Problems.module.css';
import type { Severity } from './problems.ts';

const looks: Readonly<Record<Severity, readonly [word: string, shape: string]>> = {
  REJECTED: ['Rejected', 'M2.2 1 5 3.8 7.8 1 9 2.2 6.2 5 9 7.8 7.8 9 5 6.2 2.2 9 1 7.8 3.8 5 1 2.2z'],
  SKIPPED: ['Skipped', 'M1 4h8v2H1z'],
  WARNING: ['Remark', 'M5 .8 9.6 9H.4zM4.4 3.6v2.8h1.2V3.6zm0 3.5v1.1h1.2V7.1z'],
};

/** What became of a file: word, colour and shape. */
export function SeverityMark({ of: severity }: { readonly of: Severity }) {
  const [word, shape] = looks[severity];
  return (
    <span className={classes(styles.mark, styles[severity])}>
      <svg viewBox="0 0 10 10" aria-hidden="true">
        <path fill="currentColor" fillRule="evenodd" d={shape} />
      </svg>
      {word}
    </span>
  );
}
