/** What is said when there is nothing to show: yet, any more, or because something went wrong. */

import type { ReactNode } from 'react';
import { sentence } from '../format/sentence.ts';
import { Button } from './Button.tsx';
import { classes } from './classes.ts';
import styles from './Notice.module.css';

export function Notice({
  tone = 'plain',
  title,
  children,
  actions,
}: {
  readonly tone?: 'plain' | 'warn' | 'bad';
  readonly title?: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
}) {
  return (
    <div
      className={classes(styles.notice, tone !== 'plain' && styles[tone])}
      role={tone === 'bad' ? 'alert' : undefined}
    >
      {title !== undefined && <p className={styles.title}>{title}</p>}
      {children !== undefined && <div className={styles.text}>{children}</div>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}

/** An error of a query, with a way to try again. */
export function Failure({ error, onRetry }: { readonly error: Error; readonly onRetry?: () => void }) {
  return (
    <Notice
      tone="bad"
      title="This could not be loaded"
      actions={onRetry && <Button onClick={onRetry}>Try again</Button>}
    >
      {sentence(error.message)}
    </Notice>
  );
}

/** A list without entries: what would stand here and how it comes to be. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Holds the place of something that is on its way. `height`: a CSS length, that of what will stand here, so that nothing jumps. */
export function Skeleton({ height, label = 'Loading' }: { readonly height: string; readonly label?: string }) {
  return (
    <div className={styles.skeleton} style={{ height }} role="status">
      <span className="visually-hidden">{label}</span>
    </div>
  );
}
