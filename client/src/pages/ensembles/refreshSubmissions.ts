import type { QueryClient } from '@tanstack/react-query';

/** Asks anew for everything that lists or counts submissions, but for nothing that is computed. */
export async function refreshSubmissions(queryClient: QueryClient): Promise<void> {
  const names = ['EnsemblePage', 'EnsembleHistory', 'EnsembleSubmissions', 'ExperimentEnsembles', 'RunSubmissions'];
  await Promise.all(names.map((name) => queryClient.invalidateQueries({ queryKey: [name] })));
}
