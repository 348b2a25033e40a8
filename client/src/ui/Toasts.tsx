import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import { classes } from './classes.ts';
import { dialogs } from './dialogs.ts';
import { Icon } from './Icon.tsx';
import styles from './Toasts.module.css';
import { type Toast, toasts } from './toasts.ts';

/** Milliseconds for which a message stays; bad news stay until they are closed. */
const readingTime = 8_000;

/** What has been done or refused, above everything; within the dialog that is open, where there is one: outside of it nothing can be pressed. */
export function Toasts() {
  const shown = useSyncExternalStore(toasts.listen, toasts.get);
  const dialog = useSyncExternalStore(dialogs.listen, dialogs.top);
  const box = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: within another dialog it is another box
  useEffect(() => {
    // A dialog that has just gone has taken its box along: the next one follows.
    if (box.current?.isConnected) box.current.togglePopover(shown.length > 0);
  }, [shown, dialog]);
  const messages = (
    <div ref={box} {...{ popover: 'manual' }} className={styles.toasts}>
      {shown.map((toast) => (
        <Message key={toast.id} toast={toast} />
      ))}
    </div>
  );
  return (
    <>
      {/* It is there before any message: what a dialog has left is read out when it comes here. */}
      <Live>{!dialog && messages}</Live>
      {dialog && createPortal(<Live>{messages}</Live>, dialog)}
    </>
  );
}

function Live({ children }: { readonly children: ReactNode }) {
  return (
    <div role="status" aria-live="polite">
      {children}
    </div>
  );
}

function Message({ toast: { id, text, tone, action } }: { readonly toast: Toast }) {
  // Whoever is reading it, or about to press its button, has the time for it.
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (tone === 'bad' || held) return;
    const timer = setTimeout(() => toasts.hide(id), readingTime);
    return () => clearTimeout(timer);
  }, [id, tone, held]);
  const finish = () => {
    action?.run();
    toasts.hide(id);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only stays as long as it is looked at
    <div
      className={classes(styles.toast, tone === 'bad' && styles.bad)}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <bdi>{text}</bdi>
      {action && (
        <button type="button" className={styles.action} onClick={finish}>
          {action.label}
        </button>
      )}
      <button type="button" className={styles.close} aria-label="Close" onClick={() => toasts.hide(id)}>
        <Icon name="close" />
      </button>
    </div>
  );
}
