import { memo, type ReactNode } from 'react';
import { classes } from './classes.ts';
import styles from './DataTable.module.css';

/** What of a column matters within a row. */
export interface RowColumn<Row> {
  readonly key: string;
  /** Asked again when the row or the columns are others: keep both the same as long as what they show is. */
  readonly cell: (row: Row) => ReactNode;
  /** Numbers stand at the right. */
  readonly align?: 'right';
}

interface TableRowProps<Row> {
  readonly row: Row;
  /** Its key. */
  readonly id: string;
  readonly label: string;
  /** Among all rows, from 0. */
  readonly index: number;
  /** Pixels. */
  readonly top: number;
  readonly height: number;
  readonly columns: readonly RowColumn<Row>[];
  /** Undefined: rows cannot be selected. */
  readonly selected: boolean | undefined;
  readonly onSelect: (id: string, selected: boolean, extend: boolean) => void;
  /** Has the focus somewhere; null: no longer. */
  readonly onFocus: (id: string | null) => void;
}

function PlainTableRow<Row>(props: TableRowProps<Row>) {
  const { row, id, label, index, top, height, columns, selected, onSelect, onFocus } = props;
  return (
    <div
      className={classes(styles.row, selected && styles.selected)}
      role="row"
      aria-rowindex={index + 2}
      onFocus={() => onFocus(id)}
      onBlur={() => onFocus(null)}
      style={{ height, transform: `translateY(${top}px)` }}
    >
      {selected !== undefined && (
        <div className={classes(styles.cell, styles.check)} role="cell">
          <input
            type="checkbox"
            aria-label={`Select ${label}`}
            checked={selected}
            onChange={({ target, nativeEvent }) => onSelect(id, target.checked, (nativeEvent as MouseEvent).shiftKey)}
          />
        </div>
      )}
      {columns.map((column) => (
        <div key={column.key} className={classes(styles.cell, column.align && styles[column.align])} role="cell">
          {column.cell(row)}
        </div>
      ))}
    </div>
  );
}

/** One row, made again only when it is another: tables scroll and change often. */
export const TableRow = memo(PlainTableRow) as typeof PlainTableRow;
