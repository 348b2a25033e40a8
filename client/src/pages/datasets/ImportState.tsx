/** Where an import stands: as a line of a table, and as the first thing on a data set's page. */

import { useApiMutation } from '../../api/hooks.ts';
import { percent } from '../../format/numbers.ts';
import { CancelImportDocument, type ImportStateFragment, RetryImportDocument } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Progress } from '../../ui/Meter.tsx';
import { Name } from '../../ui/Name.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Panel } from '../../ui/Page.tsx';
import { Status } from '../../ui/Status.tsx';
import { toasts } from '../../ui/toasts.ts';
import styles from './ImportState.module.css';
import { describeProgress } from './importProgress.ts';
import { useImport } from './useImport.ts';

export function ImportLine({ dataset }: { readonly dataset: ImportStateFragment }) {
  const { status, importProgress } = useImport(dataset);
  if (status !== 'IMPORTING') return <Status of={status} />;
  const { title, share } = describeProgress(importProgress);
  return (
    <span className={styles.line} title={title}>
      <Status of={status} />
      <Progress label={title} hideLabel share={share} text={share === null ? '' : percent(share, 0)} />
    </span>
  );
}

/** What is going on, or what went wrong, and what can be done about it; nothing of a data set that is READY. */
export function ImportPanel({
  dataset,
  onChange,
}: {
  readonly dataset: ImportStateFragment;
  readonly onChange: () => void;
}) {
  const cancel = useApiMutation(CancelImportDocument);
  const retry = useApiMutation(RetryImportDocument);
  const settle = (done: Promise<readonly { readonly message: string }[]>) => {
    done.then(
      (errors) => {
        for (const { message } of errors) toasts.refuse(message);
        onChange();
      },
      (error: Error) => toasts.refuse(error.message),
    );
  };
  const { id, status, failure, importProgress } = dataset;
  const again = (
    <Button
      onClick={() => settle(retry.mutateAsync({ id }).then(({ retryImport }) => retryImport.userErrors))}
      disabled={retry.isPending}
    >
      Import again
    </Button>
  );
  switch (status) {
    case 'READY':
      return null;
    case 'FAILED':
      return (
        <Notice
          tone="bad"
          title="The import failed"
          actions={
            <ForWriters>
              {again}
              <ButtonLink to={routes.importDataset}>Import it otherwise</ButtonLink>
            </ForWriters>
          }
        >
          {failure !== null && <Name whole>{failure}</Name>}
          <p>
            Nothing was stored. Mend what is said here, then import it again from the same place and with the same
            hold-out; or import it otherwise, under another name.
          </p>
        </Notice>
      );
    case 'CANCELED':
      return (
        <Notice tone="warn" title="The import was canceled" actions={<ForWriters>{again}</ForWriters>}>
          Nothing of it was stored. It can be imported again from the same place.
        </Notice>
      );
    case 'IMPORTING': {
      const { title, share, detail } = describeProgress(importProgress);
      return (
        <Panel
          title={title}
          actions={
            <ForWriters>
              <Button
                look="danger"
                small
                onClick={() => settle(cancel.mutateAsync({ id }).then(({ cancelImport }) => cancelImport.userErrors))}
                disabled={cancel.isPending}
              >
                Cancel the import
              </Button>
            </ForWriters>
          }
        >
          <Progress label={title} hideLabel share={share} text={detail} />
        </Panel>
      );
    }
  }
}
