import { classes } from './classes.ts';
import styles from './Name.module.css';

/**
 * What people named something: any text, in any direction, which must not turn what stands around it. In lists it is cut to the
 * room there is, with the whole of it on hover; `whole` breaks it into lines.
 */
export function Name({ children, whole = false }: { readonly children: string; readonly whole?: boolean }) {
  return (
    <bdi className={classes(styles.name, whole && styles.whole)} title={whole ? undefined : children}>
      {children}
    </bdi>
  );
}
