import { type AnchorHTMLAttributes, type ButtonHTMLAttributes, forwardRef, type ReactNode } from 'react';
import { Link } from 'wouter';
import styles from './Button.module.css';
import { classes } from './classes.ts';

interface Look {
  /** `primary`: the one thing to do here; `danger`: takes something away; `quiet`: one of many. */
  readonly look?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly small?: boolean;
}

const classOf = ({ look = 'plain', small }: Look) =>
  classes(styles.button, look !== 'plain' && styles[look], small && styles.small);

export type ButtonProps = Look & Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'className'>;

export const Button = forwardRef<HTMLButtonElement, ButtonProps>(({ look, small, type = 'button', ...rest }, ref) => (
  <button ref={ref} type={type} className={classOf({ look, small })} {...rest} />
));

/** A link to another view that looks like a button. */
export function ButtonLink({
  to,
  look,
  small,
  children,
}: Look & { readonly to: string; readonly children: ReactNode }) {
  return (
    <Link href={to} className={classOf({ look, small })}>
      {children}
    </Link>
  );
}

/** A link out of the dashboard: a download, GraphiQL. */
export function ButtonAnchor({
  look,
  small,
  ...rest
}: Look & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'className'> & { readonly href: string }) {
  return <a className={classOf({ look, small })} {...rest} />;
}
