import { useEffect, useState } from 'react';
import { useConnection } from '../api/hooks.ts';
import { ago } from '../format/times.ts';
import styles from './App.module.css';

/** Milliseconds without a socket that nobody needs to know of. */
const grace = 1_000;

/** Says that what is shown may be out of date, from when on, and that it will come back by itself. */
export function StaleBanner() {
  const connection = useConnection();
  const since = connection.kind === 'stale' ? connection.since : null;
  const [now, setNow] = useState(0);
  useEffect(() => {
    if (since === null) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [since]);
  const shown = since !== null && now - since > grace;
  return (
    <div role="status">
      {shown && (
        <p className={styles.stale}>
          The connection was lost {ago(new Date(since).toISOString(), now)}. What you see is of then; it goes on by
          itself.
        </p>
      )}
    </div>
  );
}
