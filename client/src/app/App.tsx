import { lazy, type ReactNode, Suspense, useRef } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import { routes } from '../routes.ts';
import { ButtonAnchor, ButtonLink } from '../ui/Button.tsx';
import { Empty, Skeleton } from '../ui/Notice.tsx';
import { PageHead } from '../ui/Page.tsx';
import { Toasts } from '../ui/Toasts.tsx';
import styles from './App.module.css';
import { Boundary } from './Boundary.tsx';
import { OperationsButton } from './OperationsButton.tsx';
import { SessionButton } from './SessionButton.tsx';
import { StaleBanner } from './StaleBanner.tsx';
import { ThemeButton } from './ThemeButton.tsx';
import { ToolLabel } from './ToolLabel.tsx';
import { useArrival } from './useArrival.ts';

const ExperimentsPage = lazy(() =>
  import('../pages/experiments/ExperimentsPage.tsx').then((m) => ({ default: m.ExperimentsPage })),
);
const ExperimentPage = lazy(() =>
  import('../pages/experiment/ExperimentPage.tsx').then((m) => ({ default: m.ExperimentPage })),
);
const DatasetsPage = lazy(() =>
  import('../pages/datasets/DatasetsPage.tsx').then((m) => ({ default: m.DatasetsPage })),
);
const ImportPage = lazy(() => import('../pages/datasets/ImportPage.tsx').then((m) => ({ default: m.ImportPage })));
const MachinesPage = lazy(() =>
  import('../pages/machines/MachinesPage.tsx').then((m) => ({ default: m.MachinesPage })),
);
const DatasetPage = lazy(() => import('../pages/datasets/DatasetPage.tsx').then((m) => ({ default: m.DatasetPage })));
const RunPage = lazy(() => import('../pages/run/RunPage.tsx').then((m) => ({ default: m.RunPage })));
const SweepPage = lazy(() => import('../pages/sweep/SweepPage.tsx').then((m) => ({ default: m.SweepPage })));
const ProbesPage = lazy(() => import('../pages/probes/ProbesPage.tsx').then((m) => ({ default: m.ProbesPage })));
const NewProbePage = lazy(() => import('../pages/probes/NewProbePage.tsx').then((m) => ({ default: m.NewProbePage })));
const ProbePage = lazy(() => import('../pages/probes/ProbePage.tsx').then((m) => ({ default: m.ProbePage })));
const StartPage = lazy(() => import('../pages/start/StartPage.tsx').then((m) => ({ default: m.StartPage })));
const ComparePage = lazy(() => import('../pages/compare/ComparePage.tsx').then((m) => ({ default: m.ComparePage })));
const EnsembleBuilderPage = lazy(() =>
  import('../pages/ensembles/EnsembleBuilderPage.tsx').then((m) => ({ default: m.EnsembleBuilderPage })),
);
const EnsemblePage = lazy(() =>
  import('../pages/ensembles/EnsemblePage.tsx').then((m) => ({ default: m.EnsemblePage })),
);

const sections = [
  { to: routes.experiments, label: 'Experiments', within: /^\/($|experiments|runs|sweeps|compare|ensembles)/ },
  { to: routes.probes, label: 'Memory', within: /^\/probes/ },
  { to: routes.datasets, label: 'Data sets', within: /^\/datasets/ },
  { to: routes.machines, label: 'Machines', within: /^\/machines/ },
];

export function App() {
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  useArrival(main);
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        Skip to content
      </a>
      <header className={styles.bar}>
        <Link href={routes.experiments} className={styles.brand}>
          <img src="/icon.svg" alt="" width="22" height="22" />
          Rungraph
        </Link>
        <nav className={styles.nav} aria-label="Main">
          {sections.map(({ to, label, within }) => (
            <Link key={to} href={to} className={styles.link} aria-current={within.test(location) ? 'page' : undefined}>
              {label}
            </Link>
          ))}
        </nav>
        <div className={styles.tools}>
          <OperationsButton />
          <ButtonAnchor look="quiet" small href="/graphiql" title="GraphiQL: ask the API by hand">
            <ToolLabel icon="graph">GraphiQL</ToolLabel>
          </ButtonAnchor>
          <ThemeButton />
          <SessionButton />
        </div>
      </header>
      <StaleBanner />
      <main id="main" ref={main} className={styles.main} tabIndex={-1}>
        <Boundary key={location}>
          <Suspense fallback={<Skeleton height="60vh" />}>
            <Pages />
          </Suspense>
        </Boundary>
      </main>
      <Toasts />
    </div>
  );
}

function Pages(): ReactNode {
  return (
    <Switch>
      <Route path="/">
        <ExperimentsPage />
      </Route>
      <Route path="/compare">
        <ComparePage />
      </Route>
      <Route path="/experiments/:id">
        <ExperimentPage />
      </Route>
      <Route path="/runs/:id">{({ id }) => <RunPage key={id} id={id} />}</Route>
      <Route path="/machines">
        <MachinesPage />
      </Route>
      <Route path="/datasets">
        <DatasetsPage />
      </Route>
      <Route path="/datasets/new">
        <ImportPage />
      </Route>
      <Route path="/datasets/:id">{({ id }) => <DatasetPage id={id} />}</Route>
      <Route path="/probes">
        <ProbesPage />
      </Route>
      <Route path="/probes/new">
        <NewProbePage />
      </Route>
      <Route path="/probes/:id">{({ id }) => <ProbePage id={id} />}</Route>
      <Route path="/sweeps/:id">{({ id }) => <SweepPage id={id} />}</Route>
      <Route path="/experiments/:id/start">{({ id }) => <StartPage experimentId={id} />}</Route>
      <Route path="/experiments/:id/ensembles/new">{({ id }) => <EnsembleBuilderPage experimentId={id} />}</Route>
      <Route path="/ensembles/:id">{({ id }) => <EnsemblePage key={id} id={id} />}</Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

function NotFound() {
  return (
    <>
      <PageHead title="Nothing here" />
      <Empty title="There is no such page">
        <p>The link may be of a newer version, or cut off.</p>
        <ButtonLink to={routes.experiments}>To the experiments</ButtonLink>
      </Empty>
    </>
  );
}
