/** How views are laid out. */

import { type CSSProperties, type ReactNode, useEffect, useId, useRef } from 'react';
import { Link } from 'wouter';
import { Name } from './Name.tsx';
import styles from './Page.module.css';

export interface PageHeadProps {
  /** Plain text: the heading, and the title of the window. */
  readonly title: string;
  /** Where this view hangs, from the outermost. */
  readonly trail?: readonly { readonly to: string; readonly label: string }[];
  /** One line of facts below the title. */
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
}

/** The heading of a view; whoever has just come to the view finds the focus there. */
export function PageHead({ title, trail = [], children, actions }: PageHeadProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const main = heading.current?.closest('main');
    if (main && document.activeElement === main) heading.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    document.title = `${title} · Rungraph`;
  }, [title]);
  return (
    <header className={styles.head}>
      <div className={styles.words}>
        {trail.length > 0 && (
          <nav aria-label="Breadcrumbs">
            <ol className={styles.trail}>
              {trail.map(({ to, label }) => (
                <li key={to}>
                  <Link href={to}>
                    <Name>{label}</Name>
                  </Link>
                </li>
              ))}
            </ol>
          </nav>
        )}
        <h1 ref={heading} tabIndex={-1} className={styles.title} title={title}>
          <bdi>{title}</bdi>
        </h1>
        {children && <div className={styles.about}>{children}</div>}
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </header>
  );
}

/** One subject of a view. */
export function Panel({
  title,
  actions,
  children,
}: {
  readonly title?: string;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={styles.panel} aria-labelledby={title === undefined ? undefined : id}>
      {(title !== undefined || actions) && (
        <div className={styles.panelHead}>
          {title !== undefined && <h2 id={id}>{title}</h2>}
          {actions && <div className={styles.row}>{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

/** One below the other. */
export function Stack({ children }: { readonly children: ReactNode }) {
  return <div className={styles.stack}>{children}</div>;
}

/** Beside one another, broken into lines. */
export function Row({ children }: { readonly children: ReactNode }) {
  return <div className={styles.row}>{children}</div>;
}

/** As many columns as have room. `least`: width of a column, a CSS length. */
export function Grid({ least, children }: { readonly least?: string; readonly children: ReactNode }) {
  return (
    <div className={styles.grid} style={least === undefined ? undefined : ({ '--least': least } as CSSProperties)}>
      {children}
    </div>
  );
}
