import type { ExperimentHead } from './ExperimentPage.tsx';

export function ScatterTab({ experiment }: { readonly experiment: ExperimentHead }) {
  return <p>{experiment.id}</p>;
}
