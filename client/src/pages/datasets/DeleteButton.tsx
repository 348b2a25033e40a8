import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { useApiMutation } from '../../api/hooks.ts';
import { count } from '../../format/numbers.ts';
import { sentence, sentences } from '../../format/sentence.ts';
import { type DatasetPageQuery, DeleteDatasetDocument } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { Button } from '../../ui/Button.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { Name } from '../../ui/Name.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { toasts } from '../../ui/toasts.ts';

type Dataset = Pick<NonNullable<DatasetPageQuery['dataset']>, 'id' | 'name' | 'experimentCount'>;

export function DeleteButton({ dataset: { id, name, experimentCount } }: { readonly dataset: Dataset }) {
  const [open, setOpen] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [, navigate] = useLocation();
  const queryClient = useQueryClient();
  const remove = useApiMutation(DeleteDatasetDocument);
  const confirm = async () => {
    setRefusal(null);
    try {
      const { userErrors } = (await remove.mutateAsync({ id })).deleteDataset;
      if (userErrors.length) return setRefusal(sentences(userErrors));
      void queryClient.invalidateQueries({ queryKey: ['DatasetsPage'] });
      toasts.show(`The data set ${name} is deleted`);
      navigate(routes.datasets);
    } catch (error) {
      setRefusal(sentence((error as Error).message));
    }
  };
  return (
    <>
      <Button look="danger" onClick={() => setOpen(true)}>
        Delete
      </Button>
      {open && (
        <Confirm
          title="Delete this data set?"
          action="Delete"
          busy={remove.isPending || experimentCount > 0}
          onConfirm={() => void confirm()}
          onClose={() => {
            setOpen(false);
            setRefusal(null);
          }}
        >
          <p>
            <Name whole>{name}</Name> is forgotten with its list of images, and what was unpacked of an archive is
            removed. A folder of yours stays as it is.
          </p>
          {experimentCount > 0 && (
            <Notice tone="warn">
              {experimentCount === 1 ? 'An experiment uses' : `${count(experimentCount)} experiments use`} it: delete{' '}
              {experimentCount === 1 ? 'that' : 'those'} first.
            </Notice>
          )}
          {refusal !== null && <Notice tone="bad">{refusal}</Notice>}
        </Confirm>
      )}
    </>
  );
}
