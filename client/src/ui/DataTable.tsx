import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, useCallback, useEffect, useRef, useState } from 'react';
import { classes } from './classes.ts';
import styles from './DataTable.module.css';
import { selectRange } from './selectRange.ts';
import { type RowColumn, TableRow } from './TableRow.tsx';

export interface Column<Row> extends RowColumn<Row> {
  /** Also what screen readers call the column. */
  readonly header: string;
  /** What it shows, where the header alone does not say it. */
  readonly about?: string;
  /** A track of a CSS grid, e.g. `8rem` or `minmax(12rem, 1fr)`. */
  readonly width: string;
  readonly sortable?: boolean;
}

export interface Sorting {
  readonly key: string;
  readonly direction: 'ASC' | 'DESC';
}

export interface DataTableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  /** Rows in all, where not all of them have been loaded. */
  readonly total?: number | undefined;
  readonly sorting?: Sorting | undefined;
  readonly onSort?: (sorting: Sorting) => void;
  /** Keys of the rows that are selected; without it rows cannot be. */
  readonly selected?: ReadonlySet<string>;
  readonly onSelect?: (selected: ReadonlySet<string>) => void;
  /** What a row is called where it is selected. */
  readonly rowLabel?: (row: Row) => string;
  /** The last rows are about to be seen: load more. */
  readonly onNearEnd?: () => void;
  /** A CSS length; the table takes no more, and scrolls. */
  readonly maxHeight?: string;
}

/** Pixels. */
const rowHeight = 36;

/**
 * A table of any length: only the rows in sight are there, and the one with the focus. Rows that change places leave it scrolled where it
 * is. With Shift, all rows from the one that was chosen last to this one are.
 */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey, total, sorting, onSort, selected, onSelect, rowLabel, onNearEnd } = props;
  const frame = useRef<HTMLDivElement>(null);
  const lastChosen = useRef<string | null>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const focusedIndex = focused === null ? -1 : rows.findIndex((row) => rowKey(row) === focused);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    rangeExtractor: (range) => {
      const inSight = defaultRangeExtractor(range);
      if (focusedIndex < 0 || inSight.includes(focusedIndex)) return inSight;
      return [...inSight, focusedIndex].sort((a, b) => a - b);
    },
  });
  const items = virtualizer.getVirtualItems();
  const last = virtualizer.range?.endIndex ?? 0;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - 20) onNearEnd?.();
  }, [last, rows.length, onNearEnd]);

  const tracks = [...(selected ? ['2.5rem'] : []), ...columns.map(({ width }) => width)].join(' ');
  const everySelected = selected !== undefined && rows.length > 0 && rows.every((row) => selected.has(rowKey(row)));
  const someSelected = selected !== undefined && !everySelected && rows.some((row) => selected.has(rowKey(row)));
  const latest = useRef(props);
  latest.current = props;
  const choose = useCallback((key: string, chosen: boolean, extend: boolean) => {
    const now = latest.current;
    const keys = now.rows.map(now.rowKey);
    const from = extend ? lastChosen.current : null;
    now.onSelect?.(selectRange(now.selected ?? new Set(), keys, from ?? key, key, chosen));
    lastChosen.current = key;
  }, []);

  return (
    <div
      ref={frame}
      className={styles.frame}
      style={{ maxHeight: props.maxHeight ?? '70vh' }}
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <div
        className={styles.table}
        role="table"
        aria-label={label}
        aria-rowcount={(total ?? rows.length) + 1}
        style={{ '--columns': tracks } as CSSProperties}
      >
        <div className={styles.header} role="rowgroup">
          <div className={styles.row} role="row" aria-rowindex={1}>
            {selected && (
              <div className={classes(styles.cell, styles.check)} role="columnheader">
                <input
                  type="checkbox"
                  aria-label="Select all"
                  checked={everySelected}
                  ref={(box) => {
                    if (box) box.indeterminate = someSelected;
                  }}
                  onChange={() => onSelect?.(everySelected ? new Set() : new Set(rows.map(rowKey)))}
                />
              </div>
            )}
            {columns.map((column) => (
              <HeaderCell key={column.key} column={column} sorting={sorting} onSort={onSort} />
            ))}
          </div>
        </div>
        <div className={styles.body} role="rowgroup" style={{ height: virtualizer.getTotalSize() }}>
          {items.map(({ index, start, size }) => {
            const row = rows[index]!;
            const key = rowKey(row);
            return (
              <TableRow
                key={key}
                row={row}
                id={key}
                label={rowLabel?.(row) ?? key}
                index={index}
                top={start}
                height={size}
                columns={columns}
                selected={selected?.has(key)}
                onSelect={choose}
                onFocus={setFocused}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

function HeaderCell<Row>({
  column: { key, header, about, align, sortable },
  sorting,
  onSort,
}: {
  readonly column: Column<Row>;
  readonly sorting: Sorting | undefined;
  readonly onSort: ((sorting: Sorting) => void) | undefined;
}) {
  const direction = sorting?.key === key ? sorting.direction : undefined;
  const arrow = direction && (direction === 'ASC' ? '↑' : '↓');
  const next = direction === 'ASC' ? 'DESC' : 'ASC';
  return (
    <div
      className={classes(styles.cell, align && styles[align], direction && styles.sorted)}
      role="columnheader"
      title={about}
      aria-sort={direction && (direction === 'ASC' ? 'ascending' : 'descending')}
    >
      {sortable && onSort ? (
        <button type="button" className={styles.sort} onClick={() => onSort({ key, direction: next })}>
          {header} <span aria-hidden="true">{arrow}</span>
        </button>
      ) : (
        header
      )}
    </div>
  );
}
