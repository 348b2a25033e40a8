import { type ReactNode, useEffect, useId, useRef } from 'react';
import { Button } from './Button.tsx';
import { classes } from './classes.ts';
import styles from './Dialog.module.css';
import { dialogs } from './dialogs.ts';
import { Icon } from './Icon.tsx';

/**
 * A question or form above the view; Escape closes it. There while it is rendered. The focus goes to its first field, or to itself, and
 * back to where it was.
 */
export function Dialog({
  title,
  onClose,
  children,
  actions,
  wide,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
  readonly wide?: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const opener = useRef<Element | null>(null);
  const id = useId();
  useEffect(() => {
    opener.current ??= document.activeElement;
    const element = dialog.current!;
    element.showModal();
    // Not to a button far below, which the browser has chosen, and scrolled to.
    element.scrollTop = 0;
    (element.querySelector<HTMLElement>(':is(input, select, textarea):enabled') ?? element).focus();
    const forget = dialogs.note(element);
    return () => {
      forget();
      if (opener.current instanceof HTMLElement) opener.current.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={classes(styles.dialog, wide && styles.wide)}
      aria-labelledby={id}
      tabIndex={-1}
      onClose={onClose}
    >
      <div className={styles.head}>
        <h2 id={id} className={styles.title}>
          <bdi>{title}</bdi>
        </h2>
        {!actions && (
          <Button look="quiet" small aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </Button>
        )}
      </div>
      {children}
      {actions && <div className={styles.actions}>{actions}</div>}
    </dialog>
  );
}

/** Asks before something is taken away. `action`: what will be done, as the button says it. */
export function Confirm({
  title,
  children,
  action,
  busy,
  onConfirm,
  onClose,
}: {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action: string;
  readonly busy?: boolean;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}) {
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Keep</Button>
          <Button look="danger" onClick={onConfirm} disabled={busy}>
            {action}
          </Button>
        </>
      }
    >
      {children}
    </Dialog>
  );
}
