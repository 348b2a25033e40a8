import { configRows } from '../../domain/configDiff.ts';
import { leafText } from '../../domain/configLeaves.ts';
import { Checkbox } from '../../ui/Field.tsx';
import { MatrixTable, type MatrixTableProps } from '../../ui/MatrixTable.tsx';
import { Panel } from '../../ui/Page.tsx';
import styles from './Compare.module.css';
import type { ComparedRun } from './compareRuns.ts';

/** The configs side by side. */
export function ConfigPanel({
  runs,
  columns,
  onlyDifferences,
  onOnlyDifferences,
}: {
  readonly runs: readonly ComparedRun[];
  readonly columns: MatrixTableProps['columns'];
  readonly onOnlyDifferences: (only: boolean) => void;
  readonly onlyDifferences: boolean;
}) {
  const all = configRows(runs.map(({ config }) => config));
  const rows = onlyDifferences ? all.filter(({ differs }) => differs) : all;
  return (
    <Panel
      title="Config"
      actions={
        <Checkbox
          label="Only differences"
          checked={onlyDifferences}
          onChange={({ target }) => onOnlyDifferences(target.checked)}
        />
      }
    >
      {rows.length === 0 ? (
        <p>The configs are the same in all {all.length} fields.</p>
      ) : (
        <MatrixTable
          label="Config"
          corner="Field"
          columns={columns}
          rows={rows.map(({ path, values, differs }) => ({
            key: path,
            header: <bdi>{path}</bdi>,
            cells: values.map((value) => ({
              content: <bdi className={styles.code}>{leafText(value)}</bdi>,
              marked: differs && !onlyDifferences,
            })),
          }))}
        />
      )}
    </Panel>
  );
}
