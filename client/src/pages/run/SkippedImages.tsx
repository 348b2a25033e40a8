import { useApiQuery } from '../../api/hooks.ts';
import { count } from '../../format/numbers.ts';
import { RunSkippedImagesDocument, type RunSkippedImagesQuery } from '../../generated/operations.ts';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Name } from '../../ui/Name.tsx';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import { Panel } from '../../ui/Page.tsx';

type Skipped = NonNullable<NonNullable<RunSkippedImagesQuery['run']>['skippedImages']>['images'][number];

const columns: readonly Column<Skipped>[] = [
  { key: 'image', header: 'Image', width: '12rem', cell: ({ imageId }) => <Name>{imageId}</Name> },
  { key: 'path', header: 'File', width: 'minmax(14rem, 1fr)', cell: ({ path }) => <Name>{path}</Name> },
  { key: 'reason', header: 'Why', width: 'minmax(14rem, 1fr)', cell: ({ reason }) => <Name>{reason}</Name> },
];

/** The images that a run leaves out, with the reasons. */
export function SkippedImages({ runId }: { readonly runId: string }) {
  const { data, error, refetch } = useApiQuery(RunSkippedImagesDocument, { id: runId });
  const skipped = data?.run?.skippedImages;
  return (
    <Panel title={skipped ? `Images left out (${count(skipped.count)})` : 'Images left out'}>
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton height="12rem" />}
      {skipped && (
        <DataTable
          label="Left out, with reasons"
          columns={columns}
          rows={skipped.images}
          rowKey={({ path, imageId }) => `${path} ${imageId}`}
          total={skipped.count}
          maxHeight="24rem"
        />
      )}
    </Panel>
  );
}
