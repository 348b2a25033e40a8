import { useState } from 'react';
import { useApiPages } from '../../api/pages.ts';
import { count, percent } from '../../format/numbers.ts';
import { imagesOf, splitWords } from '../../format/splits.ts';
import {
  type EnsembleRowFragment,
  EnsembleRowsDocument,
  type EnsembleRowsQuery,
  type PredictionOrder,
  type Split,
} from '../../generated/operations.ts';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Checkbox, Select } from '../../ui/Field.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Notice, Skeleton } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import styles from './ensembles.module.css';
import { refusal } from './refusal.ts';

const orders: readonly { readonly value: PredictionOrder; readonly label: string }[] = [
  { value: 'IMAGE_ID', label: 'By image' },
  { value: 'CONFIDENCE_ASC', label: 'Least certain first' },
  { value: 'CONFIDENCE_DESC', label: 'Most certain first' },
];
const worst = { value: 'LOSS_DESC', label: 'Worst first' } as const;

/** Everything that a saved ensemble predicts of a split; which rows, and their order, stand in the link. */
export function RowsPanel({ ensembleId, splits }: { readonly ensembleId: string; readonly splits: readonly Split[] }) {
  const [get, set] = useSearch();
  const split = splits.find((known) => known === get('rows')) ?? splits[0]!;
  // Only what has labels can be wrong.
  const labelled = split !== 'TEST';
  const choices = labelled ? [...orders, worst] : orders;
  const order = choices.find(({ value }) => value === get('order'))?.value ?? 'IMAGE_ID';
  const predicted = get('predicted');
  const wrong = labelled && get('wrong') === '1';
  const { rows, first, error, loadMore, outdated } = useApiPages(
    EnsembleRowsDocument,
    { id: ensembleId, split, orderBy: order, predicted, wrong: wrong ? true : null },
    rowsOf,
  );
  const result = resultOf(first);
  const total = result?.rows.totalCount;
  return (
    <Panel
      title={total === undefined || error ? 'Predictions' : `Predictions (${count(total)})`}
      actions={
        splits.length > 1 && (
          <Segments
            label="Of which split"
            options={splits.map((value) => ({ value, label: splitWords[value] }))}
            value={split}
            onChange={(value) => set({ rows: value === splits[0] ? null : value })}
          />
        )
      }
    >
      <Stack>
        <div className={styles.form}>
          <Select
            label="Predicted"
            value={predicted ?? ''}
            onChange={({ target }) => set({ predicted: target.value || null })}
          >
            <option value="">Any label</option>
            {(result?.vocab ?? (predicted ? [predicted] : [])).map((label) => (
              <option key={label}>{label}</option>
            ))}
          </Select>
          <Select
            label="Order"
            value={order}
            onChange={({ target }) => set({ order: target.value === 'IMAGE_ID' ? null : target.value })}
          >
            {choices.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </Select>
          {labelled && (
            <Checkbox
              label="Only wrong ones"
              checked={wrong}
              onChange={({ target }) => set({ wrong: target.checked ? '1' : null })}
            />
          )}
        </div>
        {error && <Notice title={`There is no result on ${imagesOf(split)}`}>{refusal(error)}</Notice>}
        {!first && !error && <Skeleton height="24rem" label="Computing" />}
        {first && !error && rows.length === 0 && <Empty title="No such images" />}
        {rows.length > 0 && !error && (
          <div className={outdated ? styles.outdated : undefined} aria-busy={outdated}>
            <DataTable
              label={`Predictions of ${imagesOf(split)}`}
              columns={labelled ? columns : columns.filter(({ key }) => key !== 'truth')}
              rows={rows}
              rowKey={({ imageId }) => imageId}
              total={total}
              onNearEnd={loadMore}
              maxHeight="30rem"
            />
          </div>
        )}
      </Stack>
    </Panel>
  );
}

function resultOf(data: EnsembleRowsQuery | undefined) {
  return data?.node?.__typename === 'Ensemble' ? data.node.result : undefined;
}

const rowsOf = (data: EnsembleRowsQuery) => resultOf(data)?.rows;

/** A picture in a row of text; an empty place where it cannot be loaded. */
function Thumb({ url, alt }: { readonly url: string; readonly alt: string }) {
  const [missing, setMissing] = useState(false);
  if (missing) return <span className={styles.thumb} role="img" aria-label={`${alt} (cannot be loaded)`} />;
  return <img className={styles.thumb} src={url} alt={alt} loading="lazy" onError={() => setMissing(true)} />;
}

const columns: readonly Column<EnsembleRowFragment>[] = [
  {
    key: 'image',
    header: 'Image',
    width: '4rem',
    cell: ({ thumbnailUrl, imageId }) => thumbnailUrl && <Thumb key={thumbnailUrl} url={thumbnailUrl} alt={imageId} />,
  },
  { key: 'id', header: 'Name', width: 'minmax(9rem, 1fr)', cell: ({ imageId }) => <Name>{imageId}</Name> },
  {
    key: 'predicted',
    header: 'Predicted',
    width: 'minmax(9rem, 1fr)',
    cell: ({ predicted }) => <Name>{predicted}</Name>,
  },
  {
    key: 'truth',
    header: 'True label',
    width: 'minmax(9rem, 1fr)',
    cell: ({ label, predicted }) => {
      if (label === null) return null;
      if (label === predicted) return <span className={styles.out}>the same</span>;
      return (
        <span className={styles.bad}>
          <Name>{label}</Name>
        </span>
      );
    },
  },
  {
    key: 'confidence',
    header: 'Confidence',
    width: '7rem',
    align: 'right',
    cell: ({ confidence }) => percent(confidence, 1),
  },
];
