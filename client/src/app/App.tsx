import { type ReactNode, Suspense, useEffect, useRef } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import { routes } from '../routes.ts';
import { ButtonAnchor } from '../ui/Button.tsx';
import { Skeleton } from '../ui/Notice.tsx';
import { NotThere } from '../ui/NotThere.tsx';
import { Toasts } from '../ui/Toasts.tsx';
import styles from './App.module.css';
import { Boundary } from './Boundary.tsx';
import { OperationsButton } from './OperationsButton.tsx';
import { fetchPages, page } from './page.ts';
import { SessionButton } from './SessionButton.tsx';
import { StaleBanner } from './StaleBanner.tsx';
import { ThemeButton } from './ThemeButton.tsx';
import { ToolLabel } from './ToolLabel.tsx';
import { useArrival } from './useArrival.ts';

const ExperimentsPage = page(
  () => import('../pages/experiments/ExperimentsPage.tsx'),
  (m) => m.ExperimentsPage,
);
const ExperimentPage = page(
  () => import('../pages/experiment/ExperimentPage.tsx'),
  (m) => m.ExperimentPage,
);
const DatasetsPage = page(
  () => import('../pages/datasets/DatasetsPage.tsx'),
  (m) => m.DatasetsPage,
);
const ImportPage = page(
  () => import('../pages/datasets/ImportPage.tsx'),
  (m) => m.ImportPage,
);
const MachinesPage = page(
  () => import('../pages/machines/MachinesPage.tsx'),
  (m) => m.MachinesPage,
);
const DatasetPage = page(
  () => import('../pages/datasets/DatasetPage.tsx'),
  (m) => m.DatasetPage,
);
const RunPage = page(
  () => import('../pages/run/RunPage.tsx'),
  (m) => m.RunPage,
);
const SweepPage = page(
  () => import('../pages/sweep/SweepPage.tsx'),
  (m) => m.SweepPage,
);
const ProbesPage = page(
  () => import('../pages/probes/ProbesPage.tsx'),
  (m) => m.ProbesPage,
);
const NewProbePage = page(
  () => import('../pages/probes/NewProbePage.tsx'),
  (m) => m.NewProbePage,
);
const ProbePage = page(
  () => import('../pages/probes/ProbePage.tsx'),
  (m) => m.ProbePage,
);
const StartPage = page(
  () => import('../pages/start/StartPage.tsx'),
  (m) => m.StartPage,
);
const ComparePage = page(
  () => import('../pages/compare/ComparePage.tsx'),
  (m) => m.ComparePage,
);
const EnsembleBuilderPage = page(
  () => import('../pages/ensembles/EnsembleBuilderPage.tsx'),
  (m) => m.EnsembleBuilderPage,
);
const EnsemblePage = page(
  () => import('../pages/ensembles/EnsemblePage.tsx'),
  (m) => m.EnsemblePage,
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
  useEffect(() => void fetchPages(), []);
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
        <NotThere what="page" />
      </Route>
    </Switch>
  );
}
