import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useSubscription } from '../../api/hooks.ts';
import { DatasetImportDocument, type ImportStateFragment } from '../../generated/operations.ts';

/** Where the import of a data set stands, as it moves on; what else is shown of it is asked for again when it ends. */
export function useImport(dataset: ImportStateFragment): ImportStateFragment {
  const queryClient = useQueryClient();
  const [newest, setNewest] = useState<ImportStateFragment | null>(null);
  const importing = dataset.status === 'IMPORTING';
  // What ended an import says nothing of the next try.
  if (!importing && newest) setNewest(null);
  useSubscription(
    DatasetImportDocument,
    () => ({ id: dataset.id }),
    ({ datasetImport }) => setNewest(datasetImport),
    {
      key: dataset.id,
      enabled: importing,
      onEnd: () => {
        for (const name of ['DatasetPage', 'DatasetsPage', 'DatasetSamples', 'DatasetProblems']) {
          void queryClient.invalidateQueries({ queryKey: [name] });
        }
      },
    },
  );
  return importing && newest?.id === dataset.id ? newest : dataset;
}
