import { count } from '../format/numbers.ts';
import { classes } from './classes.ts';
import styles from './Status.module.css';

export type StatusName =
  | 'QUEUED'
  | 'RUNNING'
  | 'CANCELING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELED'
  | 'IMPORTING'
  | 'READY'
  | 'ONLINE'
  | 'OFFLINE';

type Tone = 'good' | 'bad' | 'active' | 'quiet';

/** Word, colour and shape: no status is told by colour alone. */
const looks: Readonly<Record<StatusName, readonly [word: string, tone: Tone, shape: string]>> = {
  QUEUED: ['Queued', 'quiet', 'M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8zm0 1.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z'],
  RUNNING: ['Running', 'active', 'M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8z'],
  CANCELING: ['Canceling', 'active', 'M1 4h8v2H1z'],
  SUCCEEDED: ['Succeeded', 'good', 'M1 5.2 2.4 3.8 4 5.4 7.7 1.7 9.1 3.1 4 8.2z'],
  FAILED: ['Failed', 'bad', 'M2.2 1 5 3.8 7.8 1 9 2.2 6.2 5 9 7.8 7.8 9 5 6.2 2.2 9 1 7.8 3.8 5 1 2.2z'],
  CANCELED: ['Canceled', 'quiet', 'M1 4h8v2H1z'],
  IMPORTING: ['Importing', 'active', 'M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8z'],
  READY: ['Ready', 'good', 'M1 5.2 2.4 3.8 4 5.4 7.7 1.7 9.1 3.1 4 8.2z'],
  ONLINE: ['Online', 'good', 'M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8z'],
  OFFLINE: ['Offline', 'quiet', 'M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8zm0 1.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z'],
};

/** `amount`: how many are so, told with the word. */
export function Status({ of: status, amount }: { readonly of: StatusName; readonly amount?: number }) {
  const [word, tone, shape] = looks[status];
  return (
    <span className={classes(styles.status, styles[tone])}>
      <svg className={styles.mark} viewBox="0 0 10 10" aria-hidden="true">
        <path fill="currentColor" d={shape} />
      </svg>
      {amount === undefined ? word : `${count(amount)} ${word.toLowerCase()}`}
    </span>
  );
}
