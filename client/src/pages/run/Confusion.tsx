import { useCallback, useMemo } from 'react';
import { Heatmap } from '../../charts/Heatmap.tsx';
import { count } from '../../format/numbers.ts';
import { Panel, Stack } from '../../ui/Page.tsx';
import styles from './Run.module.css';

/** What is taken for what: a cell leads to its images. */
export function Confusion({
  vocab,
  confusion,
  onPick,
}: {
  readonly vocab: readonly string[];
  readonly confusion: readonly (readonly number[])[];
  readonly onPick: (label: string, predicted: string) => void;
}) {
  const sums = useMemo(() => confusion.map((row) => row.reduce((sum, value) => sum + value, 0)), [confusion]);
  const cell = useCallback(
    (row: number, column: number) => {
      const value = confusion[row]?.[column] ?? 0;
      return {
        shade: value / Math.max(sums[row] ?? 0, 1),
        text: value === 0 ? '' : count(value),
        tone: row === column ? ('plain' as const) : ('bad' as const),
      };
    },
    [confusion, sums],
  );
  return (
    <Panel title="Confusion">
      <Stack>
        <Heatmap
          label="Confusion matrix: images by true and predicted class"
          rowAxis="True class"
          columnAxis="Predicted"
          rows={vocab}
          columns={vocab}
          cell={cell}
          onPick={(row, column) => onPick(vocab[row]!, vocab[column]!)}
        />
        <p className={styles.hint}>Shaded by the share of the true class. A cell shows its images below.</p>
      </Stack>
    </Panel>
  );
}
