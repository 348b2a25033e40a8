import { bytes, duration, metric, percent, significant } from '../../format/numbers.ts';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Panel } from '../../ui/Page.tsx';
import type { RunFacts } from './runState.ts';

type Epoch = RunFacts['epochs'][number];

const columns: readonly Column<Epoch>[] = [
  { key: 'index', header: 'Epoch', width: '5rem', align: 'right', cell: ({ index }) => index + 1 },
  {
    key: 'phase',
    header: 'Trained',
    width: 'minmax(7rem, 1fr)',
    cell: ({ phase }) => (phase === 'FROZEN' ? 'head only' : 'everything'),
  },
  {
    key: 'train',
    header: 'Training loss',
    width: '8rem',
    align: 'right',
    cell: ({ trainLoss }) => metric('train/loss', trainLoss),
  },
  {
    key: 'valid',
    header: 'Validation loss',
    width: '9rem',
    align: 'right',
    cell: ({ validLoss }) => metric('valid/loss', validLoss),
  },
  { key: 'error', header: 'Error rate', width: '7rem', align: 'right', cell: ({ errorRate }) => percent(errorRate) },
  { key: 'seconds', header: 'Took', width: '7rem', align: 'right', cell: ({ seconds }) => duration(seconds) },
  {
    key: 'speed',
    header: 'Images/s',
    width: '6rem',
    align: 'right',
    cell: ({ imagesPerSecond }) => significant(imagesPerSecond),
  },
  { key: 'memory', header: 'Peak memory', width: '8rem', align: 'right', cell: ({ peakMemory }) => bytes(peakMemory) },
];

/** Epoch by epoch, the newest first. */
export function EpochTable({ epochs }: { readonly epochs: readonly Epoch[] }) {
  return (
    <Panel title="Epochs">
      <DataTable
        label="Epoch by epoch"
        columns={columns}
        rows={epochs.toReversed()}
        rowKey={({ index }) => String(index)}
        maxHeight="24rem"
      />
    </Panel>
  );
}
