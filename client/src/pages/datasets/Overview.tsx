import { useMemo, useState } from 'react';
import { Link } from 'wouter';
import { binned } from '../../charts/bins.ts';
import { Histogram } from '../../charts/Histogram.tsx';
import { count, percent, significant } from '../../format/numbers.ts';
import type { DatasetPageQuery } from '../../generated/operations.ts';
import { type Column, DataTable, type Sorting } from '../../ui/DataTable.tsx';
import { Name } from '../../ui/Name.tsx';
import { Grid, Panel, Stack } from '../../ui/Page.tsx';
import { Facts } from './Facts.tsx';
import { imagesLink } from './links.ts';
import { ShareBar } from './ShareBar.tsx';
import { perImage, type SizeCount, summarizeSizes } from './sizes.ts';

type Dataset = NonNullable<DatasetPageQuery['dataset']>;
type LabelCount = Dataset['labelCounts'][number];

export function Overview({ dataset }: { readonly dataset: Dataset }) {
  return (
    <Grid least="26rem">
      <Classes dataset={dataset} />
      <Stack>
        <Panel title="Facts">
          <Facts dataset={dataset} />
        </Panel>
        <Sizes sizes={dataset.imageSizes} />
      </Stack>
    </Grid>
  );
}

function Classes({ dataset }: { readonly dataset: Dataset }) {
  const { id, labelCounts } = dataset;
  const [sorting, setSorting] = useState<Sorting>({ key: 'count', direction: 'DESC' });
  const most = labelCounts[0]?.count ?? 0;
  const least = labelCounts.at(-1)?.count ?? 0;
  const rows = useMemo(() => sortLabels(labelCounts, sorting), [labelCounts, sorting]);
  const columns: readonly Column<LabelCount>[] = [
    {
      key: 'label',
      header: 'Class',
      width: 'minmax(8rem, 2fr)',
      sortable: true,
      cell: ({ label }) => (
        <Link href={imagesLink(id, 'TRAIN', label)}>
          <Name>{label}</Name>
        </Link>
      ),
    },
    {
      key: 'count',
      header: 'Training',
      width: '6.5rem',
      align: 'right',
      sortable: true,
      cell: (row) => count(row.count),
    },
    {
      key: 'share',
      header: 'Share',
      width: 'minmax(9rem, 2fr)',
      cell: (row) => <ShareBar value={row.count} most={most} text={percent(row.count / dataset.trainCount, 1)} />,
    },
  ];
  return (
    <Panel title={`${count(labelCounts.length)} ${labelCounts.length === 1 ? 'class' : 'classes'}`}>
      <Stack>
        {most > least && (
          <p>
            The largest class has {significant(most / least, 2)} times the images of the smallest, {count(most)} against{' '}
            {count(least)}.
          </p>
        )}
        <DataTable
          label="Classes"
          columns={columns}
          rows={rows}
          rowKey={({ label }) => label}
          sorting={sorting}
          onSort={setSorting}
          maxHeight="32rem"
        />
      </Stack>
    </Panel>
  );
}

function sortLabels(counts: readonly LabelCount[], { key, direction }: Sorting): readonly LabelCount[] {
  const sign = direction === 'ASC' ? 1 : -1;
  const by = key === 'label' ? compareLabels : (a: LabelCount, b: LabelCount) => a.count - b.count;
  return [...counts].sort((a, b) => sign * by(a, b));
}

const compareLabels = (a: LabelCount, b: LabelCount) => a.label.localeCompare(b.label, 'en', { numeric: true });

const sizeColumns = (images: number, most: number): readonly Column<SizeCount>[] => [
  { key: 'size', header: 'Width × height', width: '9rem', cell: ({ width, height }) => `${width} × ${height}` },
  { key: 'count', header: 'Images', width: '6rem', align: 'right', cell: (row) => count(row.count) },
  {
    key: 'share',
    header: 'Share',
    width: 'minmax(8rem, 1fr)',
    cell: (row) => <ShareBar value={row.count} most={most} text={percent(row.count / images, 1)} />,
  },
];

function Sizes({ sizes }: { readonly sizes: readonly SizeCount[] }) {
  const summary = useMemo(() => summarizeSizes(sizes), [sizes]);
  const bins = useMemo(
    () => (['width', 'height'] as const).map((side) => ({ side, bins: binned(perImage(sizes, side), 24) })),
    [sizes],
  );
  if (!summary) return null;
  const { images, distinct, landscape, portrait, square } = summary;
  const shapes = [
    [landscape, 'wider than high'],
    [portrait, 'higher than wide'],
    [square, 'square'],
  ] as const;
  return (
    <Panel title="Image sizes, in pixels">
      <Stack>
        <p>
          {shapes
            .filter(([number]) => number > 0)
            .map(([number, words]) => `${count(number)} ${words}`)
            .join(', ')}
          .
        </p>
        {distinct > 1 && (
          <Grid least="10rem">
            {bins.map(({ side, bins: counted }) => (
              <Histogram
                key={side}
                label={`How many images have which ${side}`}
                bins={counted}
                xLabel={side}
                formatX={(x) => String(Math.round(x))}
                height={72}
              />
            ))}
          </Grid>
        )}
        <DataTable
          label="Image sizes"
          columns={sizeColumns(images, sizes[0]?.count ?? 0)}
          rows={sizes}
          rowKey={({ width, height }) => `${width}x${height}`}
          maxHeight="16rem"
        />
      </Stack>
    </Panel>
  );
}
