/** Every view is a link: where it is, and its state in the search part. */

const segment = encodeURIComponent;

export const routes = {
  experiments: '/',
  experiment: (id: string) => `/experiments/${segment(id)}`,
  start: (experimentId: string) => `/experiments/${segment(experimentId)}/start`,
  newEnsemble: (experimentId: string) => `/experiments/${segment(experimentId)}/ensembles/new`,
  run: (id: string) => `/runs/${segment(id)}`,
  compare: (runIds: readonly string[]) => `/compare?runs=${runIds.map(segment).join(',')}`,
  sweep: (id: string) => `/sweeps/${segment(id)}`,
  ensemble: (id: string) => `/ensembles/${segment(id)}`,
  probes: '/probes',
  probe: (id: string) => `/probes/${segment(id)}`,
  datasets: '/datasets',
  dataset: (id: string) => `/datasets/${segment(id)}`,
  machines: '/machines',
} as const;
