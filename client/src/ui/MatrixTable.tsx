import type { ReactNode } from 'react';
import { classes } from './classes.ts';
import styles from './MatrixTable.module.css';

export interface MatrixRow {
  readonly key: string;
  readonly header: ReactNode;
  /** As many as there are columns. */
  readonly cells: readonly { readonly content: ReactNode; readonly marked?: boolean }[];
}

export interface MatrixTableProps {
  readonly label: string;
  /** What the rows are. */
  readonly corner: string;
  readonly columns: readonly { readonly key: string; readonly header: ReactNode }[];
  readonly rows: readonly MatrixRow[];
  /** Numbers stand at the right. */
  readonly align?: 'right';
}

/** A few things side by side, one column each; their names, and the names of what is told of them, stay in sight. */
export function MatrixTable({ label, corner, columns, rows, align }: MatrixTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the arrow keys
    <section className={styles.frame} tabIndex={0} aria-label={label}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{corner}</th>
            {columns.map(({ key, header }) => (
              <th key={key} scope="col" className={align && styles[align]}>
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, header, cells }) => (
            <tr key={key}>
              <th scope="row">{header}</th>
              {cells.map(({ content, marked }, index) => (
                <td key={columns[index]?.key} className={classes(align && styles[align], marked && styles.marked)}>
                  {content}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
