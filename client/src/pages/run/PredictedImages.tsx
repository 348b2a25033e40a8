import { useEffect } from 'react';
import { useApiPages } from '../../api/pages.ts';
import { count, percent } from '../../format/numbers.ts';
import {
  type PredictionOrder,
  RunPredictionRowsDocument,
  type RunPredictionRowsQuery,
} from '../../generated/operations.ts';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Select } from '../../ui/Field.tsx';
import { Gallery } from '../../ui/Gallery.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Notice, Skeleton } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { PredictedImage, type PredictedRow } from './PredictedImage.tsx';
import styles from './Run.module.css';
import type { PredictionParts } from './runState.ts';

const pageOf = ({ node }: RunPredictionRowsQuery) => (node && 'rows' in node ? node.rows : null);

const orders: readonly { readonly value: PredictionOrder; readonly label: string; readonly labelled?: true }[] = [
  { value: 'LOSS_DESC', label: 'Worst first', labelled: true },
  { value: 'CONFIDENCE_ASC', label: 'Least certain first' },
  { value: 'CONFIDENCE_DESC', label: 'Most certain first' },
  { value: 'IMAGE_ID', label: 'By name' },
];

/** The images of a split with what was predicted: the worst, the least certain, or those of one cell of the confusion matrix. */
export function PredictedImages({ set: own, labelled }: { readonly set: PredictionParts; readonly labelled: boolean }) {
  const [get, set] = useSearch();
  const open = get('image');
  const setOpen = (imageId: string | null) => set({ image: imageId });
  const choices = orders.filter((choice) => labelled || !choice.labelled);
  const orderBy = choices.find(({ value }) => value === get('order'))?.value ?? choices[0]!.value;
  const known = (label: string | null) => (label !== null && own.vocab.includes(label) ? label : null);
  const label = labelled ? known(get('label')) : null;
  const predicted = known(get('predicted'));
  const which = get('wrong');
  const wrong = !labelled || which === null ? null : which === '1';
  const pages = useApiPages(
    RunPredictionRowsDocument,
    { id: own.id, first: 48, orderBy, label, predicted, wrong },
    pageOf,
  );
  const { rows, first, error, hasMore, loadMore, outdated, refetch } = pages;
  const total = first && pageOf(first)?.totalCount;
  const place = rows.findIndex(({ imageId }) => imageId === open);
  const opened = rows[place];
  // A link may lead to one of a later page: they are loaded until it is there.
  const wanted = open !== null && !opened;
  useEffect(() => {
    if (wanted && hasMore) loadMore();
  }, [wanted, hasMore, loadMore]);
  const missing = wanted && first !== undefined && !hasMore && !outdated && !error;
  const labelOptions = own.vocab.map((name) => (
    <option key={name} value={name}>
      {name}
    </option>
  ));
  return (
    <Panel title="Images">
      <Stack>
        <div className={styles.filters}>
          <Select label="Order" value={orderBy} onChange={({ target }) => set({ order: target.value })}>
            {choices.map((choice) => (
              <option key={choice.value} value={choice.value}>
                {choice.label}
              </option>
            ))}
          </Select>
          {labelled && (
            <Select
              label="True class"
              value={label ?? ''}
              onChange={({ target }) => set({ label: target.value || null })}
            >
              <option value="">any</option>
              {labelOptions}
            </Select>
          )}
          <Select
            label="Predicted"
            value={predicted ?? ''}
            onChange={({ target }) => set({ predicted: target.value || null })}
          >
            <option value="">any</option>
            {labelOptions}
          </Select>
          {labelled && (
            <Select
              label="Outcome"
              value={wrong === null ? '' : wrong ? '1' : '0'}
              onChange={({ target }) => set({ wrong: target.value || null })}
            >
              <option value="">right and wrong</option>
              <option value="1">wrong only</option>
              <option value="0">right only</option>
            </Select>
          )}
          <span className={styles.hint} role="status">
            {total !== undefined && `${count(total)} ${total === 1 ? 'image' : 'images'}`}
          </span>
        </div>
        {missing && (
          <Notice
            tone="warn"
            title="The image of this link is not among these"
            actions={
              <Button small onClick={() => setOpen(null)}>
                Never mind
              </Button>
            }
          >
            <Name whole>{open}</Name>
          </Notice>
        )}
        {error && <Failure error={error} onRetry={refetch} />}
        {!first && !error && <Skeleton height="24rem" />}
        {first && rows.length === 0 && <Empty title="No image is like that" />}
        <div className={classes(outdated && styles.outdated)}>
          <Gallery
            label="Predicted images"
            images={rows.map((row) => ({
              key: row.imageId,
              src: row.thumbnailUrl,
              alt: `${row.imageId}: ${row.label === null ? '' : `is ${row.label}, `}predicted ${row.predicted}`,
              lines: linesOf(row, labelled),
            }))}
            onOpen={setOpen}
          />
        </div>
        {hasMore && <Button onClick={loadMore}>Show more</Button>}
      </Stack>
      {opened && (
        <PredictedImage
          row={opened}
          vocab={own.vocab}
          onClose={() => setOpen(null)}
          onPrevious={place > 0 ? () => setOpen(rows[place - 1]!.imageId) : undefined}
          onNext={rows[place + 1] && (() => setOpen(rows[place + 1]!.imageId))}
        />
      )}
    </Panel>
  );
}

function linesOf(row: PredictedRow, labelled: boolean) {
  const { label, predicted, confidence } = row;
  const right = label === null || label === predicted;
  const guess = (
    <span className={classes(styles.guess, !right && styles.wrong)}>
      <span className={styles.share}>{percent(confidence, 0)}</span> <Name>{predicted}</Name>
    </span>
  );
  if (!labelled) return [guess];
  const truth = label === null ? 'not labelled' : right ? 'right' : <Name>{`is ${label}`}</Name>;
  return [guess, truth];
}
