import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { PageHead } from '../../ui/Page.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { MatrixTab } from './MatrixTab.tsx';
import { ProbeList } from './ProbeList.tsx';

export function ProbesPage() {
  const [get] = useSearch();
  const view = get('view') === 'matrix' ? 'matrix' : 'list';
  return (
    <>
      <PageHead
        title="Memory probes"
        actions={
          <ForWriters>
            <ButtonLink look="primary" to={routes.newProbe()}>
              New probe
            </ButtonLink>
          </ForWriters>
        }
      >
        Which accumulation fits into how much memory, measured by training a few steps
      </PageHead>
      <Tabs
        label="Views"
        current={view}
        tabs={[
          { key: 'list', label: 'Probes', to: routes.probes },
          { key: 'matrix', label: 'All that was measured', to: `${routes.probes}?view=matrix` },
        ]}
      />
      {view === 'matrix' ? <MatrixTab /> : <ProbeList />}
    </>
  );
}
