import { useApiQuery } from '../../api/hooks.ts';
import { count } from '../../format/numbers.ts';
import { DatasetPageDocument, type DatasetPageQuery } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import { NotThere } from '../../ui/NotThere.tsx';
import { PageHead, Panel, Stack } from '../../ui/Page.tsx';
import { Status } from '../../ui/Status.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { DeleteButton } from './DeleteButton.tsx';
import { Facts } from './Facts.tsx';
import { Gallery } from './Gallery.tsx';
import { ImportPanel } from './ImportState.tsx';
import { imagesLink, problemsLink } from './links.ts';
import { Overview } from './Overview.tsx';
import { Problems } from './Problems.tsx';
import { useImport } from './useImport.ts';

const list = { to: routes.datasets, label: 'Data sets' };

export function DatasetPage({ id }: { readonly id: string }) {
  const { data, error, refetch } = useApiQuery(DatasetPageDocument, { id });
  if (data?.dataset) return <Shown dataset={data.dataset} onChange={() => void refetch()} />;
  if (data) return <NotThere what="data set" back={list} />;
  return (
    <>
      <PageHead title="Data set" trail={[list]} />
      {error ? <Failure error={error} onRetry={() => void refetch()} /> : <Skeleton height="32rem" />}
    </>
  );
}

type Dataset = NonNullable<DatasetPageQuery['dataset']>;

function Shown({ dataset, onChange }: { readonly dataset: Dataset; readonly onChange: () => void }) {
  const [get] = useSearch();
  const importState = useImport(dataset);
  const { id, name, status, createdAt } = dataset;
  const views = [
    { key: 'overview', label: 'Overview', to: routes.dataset(id) },
    {
      key: 'images',
      label: `Images (${count(dataset.trainCount + dataset.holdoutCount + dataset.testCount)})`,
      to: imagesLink(id, 'TRAIN'),
    },
    {
      key: 'problems',
      label: `Problems (${count(dataset.problemCounts.reduce((sum, entry) => sum + entry.count, 0))})`,
      to: problemsLink(id),
    },
  ];
  const view = views.find(({ key }) => key === get('view'))?.key ?? 'overview';
  return (
    <>
      <PageHead
        title={name}
        trail={[list]}
        actions={
          <ForWriters>
            {status === 'READY' && (
              <ButtonLink look="primary" to={`${routes.experiments}?create=${encodeURIComponent(id)}`}>
                Create an experiment
              </ButtonLink>
            )}
            <DeleteButton dataset={dataset} />
          </ForWriters>
        }
      >
        <Status of={importState.status} />
        <span>
          Added <Moment at={createdAt} />
        </span>
      </PageHead>
      <Stack>
        <ImportPanel dataset={importState} onChange={onChange} />
        {status === 'READY' ? (
          <div>
            <Tabs label="Parts of the data set" tabs={views} current={view} />
            {view === 'overview' && <Overview dataset={dataset} />}
            {view === 'images' && <Gallery dataset={dataset} />}
            {view === 'problems' && <Problems dataset={dataset} />}
          </div>
        ) : (
          <Panel title="Where from">
            <Facts dataset={dataset} />
          </Panel>
        )}
      </Stack>
    </>
  );
}
