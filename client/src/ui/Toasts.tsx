import { useEffect, useSyncExternalStore } from 'react';
import { classes } from './classes.ts';
import styles from './Toasts.module.css';
import { type Toast, toasts } from './toasts.ts';

/** Milliseconds for which a message stays; bad news stay until they are closed. */
const readingTime = 8_000;

export function Toasts() {
  const shown = useSyncExternalStore(toasts.listen, toasts.get);
  return (
    <div className={styles.toasts} role="status" aria-live="polite">
      {shown.map((toast) => (
        <Message key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function Message({ toast: { id, text, tone, action } }: { readonly toast: Toast }) {
  useEffect(() => {
    if (tone === 'bad') return;
    const timer = setTimeout(() => toasts.hide(id), readingTime);
    return () => clearTimeout(timer);
  }, [id, tone]);
  const finish = () => {
    action?.run();
    toasts.hide(id);
  };
  return (
    <div className={classes(styles.toast, tone === 'bad' && styles.bad)}>
      <bdi>{text}</bdi>
      <button type="button" className={styles.action} onClick={finish}>
        {action?.label ?? 'Close'}
      </button>
    </div>
  );
}
