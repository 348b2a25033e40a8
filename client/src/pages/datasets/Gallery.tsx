import { useCallback, useEffect, useState } from 'react';
import { useApiPages } from '../../api/pages.ts';
import { count } from '../../format/numbers.ts';
import { splitWords } from '../../format/splits.ts';
import { type DatasetPageQuery, DatasetSamplesDocument, type DatasetSamplesQuery } from '../../generated/operations.ts';
import { MissingPicture } from '../../parts/MissingPicture.tsx';
import { Button } from '../../ui/Button.tsx';
import { Select } from '../../ui/Field.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Stack } from '../../ui/Page.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import styles from './Gallery.module.css';
import { LightBox } from './LightBox.tsx';
import type { StoredSplit } from './links.ts';
import { Pictures } from './Pictures.tsx';

type Dataset = NonNullable<DatasetPageQuery['dataset']>;

const samplesOf = (data: DatasetSamplesQuery) => data.dataset?.samples;

/** `?split=`, `?label=` and the picture looked at, `?image=`. */
export function Gallery({ dataset }: { readonly dataset: Dataset }) {
  const [get, set] = useSearch();
  const counts: Readonly<Record<StoredSplit, number>> = {
    TRAIN: dataset.trainCount,
    HOLDOUT: dataset.holdoutCount,
    TEST: dataset.testCount,
  };
  const splits = (['TRAIN', 'HOLDOUT', 'TEST'] as const).filter((split) => counts[split] > 0);
  const split = splits.find((known) => known === get('split')) ?? splits[0] ?? 'TRAIN';
  const label = split === 'TEST' ? null : get('label');
  const { rows, first, error, hasMore, loadMore, refetch, outdated } = useApiPages(
    DatasetSamplesDocument,
    { id: dataset.id, split, label, first: 100 },
    samplesOf,
  );
  const list = `${split}/${label ?? ''}`;
  const [missing, setMissing] = useState<{ readonly list: string; readonly url: string } | null>(null);
  // The reason of one is that of the others of its list, or nearly so; until that is there, the pictures are those of the list before.
  const noteMissing = useCallback(
    (url: string) => {
      if (!outdated) setMissing((known) => (known?.list === list ? known : { list, url }));
    },
    [list, outdated],
  );
  const image = get('image');
  const place = rows.findIndex(({ id }) => id === image);
  // A link to a picture further down: it is on one of the next pages.
  useEffect(() => {
    if (image !== null && place < 0 && hasMore) loadMore();
  }, [image, place, hasMore, loadMore]);
  const open = useCallback((id: string | null) => set({ image: id }, { push: id !== null }), [set]);
  const inClass = label === null ? undefined : dataset.labelCounts.find((entry) => entry.label === label)?.count;
  const total = label === null ? counts[split] : split === 'TRAIN' ? inClass : undefined;

  return (
    <Stack>
      <div className={styles.choices}>
        <Segments
          label="Split"
          options={splits.map((value) => ({ value, label: `${splitWords[value]} ${count(counts[value])}` }))}
          value={split}
          onChange={(value) => set({ split: value === 'TRAIN' ? null : value, image: null })}
        />
        <div className={styles.classes}>
          <Select
            label="Class"
            hideLabel
            value={label ?? ''}
            disabled={split === 'TEST'}
            onChange={({ target }) => set({ label: target.value || null, image: null })}
          >
            <option value="">{split === 'TEST' ? 'Without labels' : 'All classes'}</option>
            {dataset.vocab.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </Select>
        </div>
      </div>
      {error && <Failure error={error} onRetry={refetch} />}
      {!first && !error && <Skeleton height="36rem" />}
      {first && rows.length === 0 && !outdated && (
        <Empty title="No images here">
          <p>This split has none of this class.</p>
          <Button onClick={() => set({ label: null })}>Show all classes</Button>
        </Empty>
      )}
      {missing?.list === list && <MissingPicture url={missing.url} title="Not all pictures can be shown" />}
      {rows.length > 0 && (
        <Pictures
          key={list}
          samples={rows}
          total={total}
          showLabels={label === null && split !== 'TEST'}
          onOpen={open}
          onNearEnd={loadMore}
          onMissing={noteMissing}
        />
      )}
      {place >= 0 && (
        <LightBox
          samples={rows}
          place={place}
          total={total ?? (hasMore ? undefined : rows.length)}
          split={splitWords[split]}
          onMove={(to) => {
            if (to >= rows.length - 5) loadMore();
            set({ image: rows[to]!.id });
          }}
          onClose={() => open(null)}
        />
      )}
    </Stack>
  );
}
