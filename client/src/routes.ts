/** Every view is a link: where it is, and its state in the search part. */

const segment = encodeURIComponent;

export const routes = {
  experiments: '/',
  experiment: (id: string) => `/experiments/${segment(id)}`,
  /** The form of a run or sweep. `filled`: what its link says, e.g. `{ from: runId }`. */
  start: (experimentId: string, filled: Readonly<Record<string, string>> = {}) => {
    const search = new URLSearchParams(filled).toString();
    return `/experiments/${segment(experimentId)}/start${search && `?${search}`}`;
  },
  /** `runIds`: chosen as members to begin with. */
  newEnsemble: (experimentId: string, runIds: readonly string[] = []) => {
    const runs = runIds.length ? `?runs=${runIds.map(segment).join(',')}` : '';
    return `/experiments/${segment(experimentId)}/ensembles/new${runs}`;
  },
  run: (id: string) => `/runs/${segment(id)}`,
  compare: (runIds: readonly string[]) => `/compare?runs=${runIds.map(segment).join(',')}`,
  sweep: (id: string) => `/sweeps/${segment(id)}`,
  ensemble: (id: string) => `/ensembles/${segment(id)}`,
  probes: '/probes',
  /** The form of a memory probe, filled in: `experiment`, `arch`, `sizes`, `precision`, `batch`, `budget`. */
  newProbe: (filled: Readonly<Record<string, string>> = {}) =>
    `/probes/new?${new URLSearchParams(Object.entries(filled).filter(([, value]) => value !== ''))}`,
  probe: (id: string) => `/probes/${segment(id)}`,
  datasets: '/datasets',
  importDataset: '/datasets/new',
  dataset: (id: string) => `/datasets/${segment(id)}`,
  machines: '/machines',
} as const;
