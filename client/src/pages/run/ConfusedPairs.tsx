import { useMemo } from 'react';
import { count, percent } from '../../format/numbers.ts';
import { Button } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Name } from '../../ui/Name.tsx';
import { Panel } from '../../ui/Page.tsx';
import { type ConfusedPair, mostConfused } from './mostConfused.ts';

const pairsShown = 100;

/** Which classes are taken for which others, most often first; each leads to its images. */
export function ConfusedPairs({
  vocab,
  confusion,
  onPick,
}: {
  readonly vocab: readonly string[];
  readonly confusion: readonly (readonly number[])[];
  readonly onPick: (label: string, predicted: string) => void;
}) {
  const pairs = useMemo(() => mostConfused(vocab, confusion, pairsShown), [vocab, confusion]);
  const columns: readonly Column<ConfusedPair>[] = [
    { key: 'label', header: 'True class', width: 'minmax(7rem, 1fr)', cell: ({ label }) => <Name>{label}</Name> },
    {
      key: 'predicted',
      header: 'Taken for',
      width: 'minmax(7rem, 1fr)',
      cell: ({ predicted }) => <Name>{predicted}</Name>,
    },
    { key: 'share', header: 'Share', width: '5.5rem', align: 'right', cell: ({ share }) => percent(share, 1) },
    {
      key: 'count',
      header: 'Images',
      width: '6rem',
      align: 'right',
      cell: ({ label, predicted, count: images }) => (
        <Button
          small
          onClick={() => onPick(label, predicted)}
          aria-label={`${count(images)} of ${label} taken for ${predicted}: show the images`}
        >
          {count(images)}
        </Button>
      ),
    },
  ];
  if (pairs.length === 0) return null;
  return (
    <Panel title="Most confused">
      <DataTable
        label="Classes taken for others"
        columns={columns}
        rows={pairs}
        rowKey={({ label, predicted }) => JSON.stringify([label, predicted])}
        maxHeight="16rem"
      />
    </Panel>
  );
}
