import { useEffect, useState } from 'react';
import { useConnection, useRefusals } from '../api/hooks.ts';
import { sentence } from '../format/sentence.ts';
import { ago } from '../format/times.ts';
import styles from './App.module.css';

/** Milliseconds without the server that nobody needs to know of. */
const grace = 1_500;

/**
 * Says that what is shown may be out of date, from when on, and that it will come back by itself, or why it does not: above the view, which
 * stays where it is.
 */
export function StaleBanner() {
  const connection = useConnection();
  const [refusal] = useRefusals();
  const since = connection.kind === 'stale' ? connection.since : null;
  const [now, setNow] = useState(0);
  useEffect(() => {
    if (since === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [since]);
  const shown = since !== null && now - since > grace;
  return (
    <div className={styles.banner}>
      {/* Said once: a clock that is read out every second is of no use. */}
      <p className="visually-hidden" role="status">
        {shown && 'The connection to the server was lost. The view goes on by itself when it is back.'}
      </p>
      {shown && (
        <p className={styles.stale} aria-hidden="true">
          Connection lost {ago(new Date(since).toISOString(), now)}. What you see is of then; it goes on by itself.
        </p>
      )}
      {!shown && refusal && (
        <p className={styles.stale} role="status">
          This view is not kept up to date; load the page again to try once more. The server says:{' '}
          <bdi>{sentence(refusal.message)}</bdi>
        </p>
      )}
    </div>
  );
}
