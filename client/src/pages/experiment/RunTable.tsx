import { type Column, DataTable, type Sorting } from '../../ui/DataTable.tsx';
import { BulkBar } from './BulkBar.tsx';
import { keyOf, type TableRow } from './rows.ts';
import { useSelection } from './useSelection.ts';

/** A table of runs, or of runs and ensembles, with what can be done with selected ones. */
export function RunTable<Row extends TableRow>({
  label,
  experimentId,
  rows,
  columns,
  total,
  sorting,
  onSort,
  onNearEnd,
  onChanged,
}: {
  readonly label: string;
  readonly experimentId: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly total?: number | undefined;
  readonly sorting: Sorting | undefined;
  readonly onSort: (sorting: Sorting) => void;
  readonly onNearEnd: () => void;
  /** Something was written: what is shown is to be read again. */
  readonly onChanged: () => void;
}) {
  const { selected, keys, select, replace } = useSelection(rows);
  return (
    <>
      <DataTable
        label={label}
        columns={columns}
        rows={rows}
        rowKey={keyOf}
        rowLabel={({ name }) => name}
        total={total}
        sorting={sorting}
        onSort={onSort}
        selected={keys}
        onSelect={select}
        onNearEnd={onNearEnd}
      />
      <BulkBar experimentId={experimentId} selected={selected} onSelect={replace} onChanged={onChanged} />
    </>
  );
}
