import { useApiQuery } from '../../api/hooks.ts';
import { EnsembleBuilderDocument } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { PageHead } from '../../ui/Page.tsx';
import { EnsembleBuilder } from './EnsembleBuilder.tsx';

export function EnsembleBuilderPage({ experimentId }: { readonly experimentId: string }) {
  const { data, error, refetch } = useApiQuery(EnsembleBuilderDocument, { id: experimentId });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton height="70vh" />;
  if (!data.experiment) {
    return (
      <>
        <PageHead title="New ensemble" />
        <Empty title="There is no such experiment">
          <p>It may have been deleted.</p>
          <ButtonLink to={routes.experiments}>To the experiments</ButtonLink>
        </Empty>
      </>
    );
  }
  return <EnsembleBuilder key={experimentId} experiment={data.experiment} />;
}
