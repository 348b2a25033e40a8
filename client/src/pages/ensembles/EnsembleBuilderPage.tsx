import { useApiQuery } from '../../api/hooks.ts';
import { EnsembleBuilderDocument } from '../../generated/operations.ts';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import { NotThere } from '../../ui/NotThere.tsx';
import { EnsembleBuilder } from './EnsembleBuilder.tsx';

export function EnsembleBuilderPage({ experimentId }: { readonly experimentId: string }) {
  const { data, error, refetch } = useApiQuery(EnsembleBuilderDocument, { id: experimentId });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton height="70vh" />;
  if (!data.experiment) return <NotThere what="experiment" />;
  return <EnsembleBuilder key={experimentId} experiment={data.experiment} />;
}
