import { Link } from 'wouter';
import { useApiQuery } from '../../api/hooks.ts';
import { ConfigDifferencesDocument } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { MatrixTable } from '../../ui/MatrixTable.tsx';
import { Name } from '../../ui/Name.tsx';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import styles from './Experiment.module.css';

/** In which fields the configs of some runs differ. */
export function DifferencesDialog({ ids, onClose }: { readonly ids: readonly string[]; readonly onClose: () => void }) {
  const { data, error, refetch } = useApiQuery(ConfigDifferencesDocument, { ids });
  return (
    <Dialog
      title="Config differences"
      wide
      onClose={onClose}
      actions={
        <>
          <ButtonLink to={routes.compare(ids)}>Compare everything</ButtonLink>
          <Button onClick={onClose}>Close</Button>
        </>
      }
    >
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton height="12rem" />}
      {data?.compareRuns.configDiff.length === 0 && <p>The configs are the same in every field.</p>}
      {data && data.compareRuns.configDiff.length > 0 && (
        <MatrixTable
          label="Config differences"
          corner="Field"
          columns={data.compareRuns.runs.map(({ id, name }) => ({
            key: id,
            header: (
              <Link href={routes.run(id)}>
                <Name>{name}</Name>
              </Link>
            ),
          }))}
          rows={data.compareRuns.configDiff.map(({ path, values }) => ({
            key: path,
            header: <bdi>{path}</bdi>,
            cells: values.map((value) => ({ content: <bdi className={styles.code}>{value}</bdi> })),
          }))}
        />
      )}
    </Dialog>
  );
}
