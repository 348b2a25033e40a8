import type { ReactNode } from 'react';
import styles from './KeyValues.module.css';

/** Facts, each with its name. Null, undefined and false leave a fact out. */
export function KeyValues({ entries }: { readonly entries: readonly (readonly [key: string, value: ReactNode])[] }) {
  return (
    <dl className={styles.list}>
      {entries.map(([key, value]) =>
        value === null || value === undefined || value === false ? null : (
          <div key={key} style={{ display: 'contents' }}>
            <dt>{key}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
