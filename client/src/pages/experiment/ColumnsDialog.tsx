import { useMemo, useState } from 'react';
import { useApiQuery } from '../../api/hooks.ts';
import { configLeaves } from '../../domain/configLeaves.ts';
import { ColumnChoicesDocument, type ColumnChoicesQuery } from '../../generated/operations.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Checkbox, TextField } from '../../ui/Field.tsx';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import { Stack } from '../../ui/Page.tsx';
import { type ColumnKey, columnId, mostColumns, plainColumns, usualColumns } from './columnKeys.ts';
import styles from './Experiment.module.css';
import { columnLabel } from './runColumns.tsx';

/** Chooses what the tables of runs show: their own figures, metrics, and fields of the config. */
export function ColumnsDialog({
  experimentId,
  columns,
  onChange,
  onClose,
}: {
  readonly experimentId: string;
  readonly columns: readonly ColumnKey[];
  readonly onChange: (columns: readonly ColumnKey[]) => void;
  readonly onClose: () => void;
}) {
  const { data, error, refetch } = useApiQuery(ColumnChoicesDocument, { id: experimentId });
  const [search, setSearch] = useState('');
  const groups = useMemo(() => choices(data?.experiment, columns), [data, columns]);
  const chosen = new Set(columns.map(columnId));
  const toggle = (key: ColumnKey) => {
    const id = columnId(key);
    onChange(chosen.has(id) ? columns.filter((other) => columnId(other) !== id) : [...columns, key]);
  };
  const isFull = columns.length >= mostColumns;
  return (
    <Dialog
      title="Columns"
      wide
      onClose={onClose}
      actions={
        <>
          <Button onClick={() => onChange(usualColumns)}>The usual ones</Button>
          <Button look="primary" onClick={onClose}>
            Done
          </Button>
        </>
      }
    >
      <Stack>
        <TextField
          label="Search columns"
          type="search"
          value={search}
          onChange={({ target }) => setSearch(target.value)}
          problem={isFull ? `A table shows at most ${mostColumns} of them` : undefined}
        />
        {error && <Failure error={error} onRetry={() => void refetch()} />}
        {!data && !error && <Skeleton height="16rem" />}
        {groups.map(({ label, keys }) => {
          const found = keys.filter((key) => columnLabel(key).toLowerCase().includes(search.toLowerCase()));
          if (found.length === 0) return null;
          return (
            <fieldset key={label} className={styles.choices}>
              <legend>{label}</legend>
              {found.map((key) => {
                const isChosen = chosen.has(columnId(key));
                return (
                  <Checkbox
                    key={columnId(key)}
                    label={columnLabel(key)}
                    checked={isChosen}
                    disabled={isFull && !isChosen}
                    onChange={() => toggle(key)}
                  />
                );
              })}
            </fieldset>
          );
        })}
      </Stack>
    </Dialog>
  );
}

/** What the experiment has, and what is chosen already. */
function choices(experiment: ColumnChoicesQuery['experiment'] | undefined, columns: readonly ColumnKey[]) {
  const named = (kind: 'metric' | 'config', names: Iterable<string>) => {
    const chosen = columns.filter((key) => key.kind === kind).map(({ name }) => name);
    return [...new Set([...names, ...chosen])].sort().map((name) => ({ kind, name }) as const);
  };
  const configs = (experiment?.runs.nodes ?? []).flatMap(({ config }) => [...configLeaves(config).keys()]);
  return [
    { label: 'Figures', keys: plainColumns.map((name) => ({ kind: 'plain', name }) as const) },
    { label: 'Metrics, at their best', keys: named('metric', experiment?.metricNames ?? []) },
    { label: 'Config', keys: named('config', configs) },
  ];
}
