import { useState } from 'react';
import { useApiMutation } from '../api/hooks.ts';
import { count } from '../format/numbers.ts';
import { sentence, sentences } from '../format/sentence.ts';
import { DeleteSubmissionDocument } from '../generated/operations.ts';
import { Button } from '../ui/Button.tsx';
import { Confirm } from '../ui/Dialog.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Moment } from '../ui/Moment.tsx';
import { Name } from '../ui/Name.tsx';
import { Notice } from '../ui/Notice.tsx';
import { toasts } from '../ui/toasts.ts';

export interface DeletableSubmission {
  readonly id: string;
  readonly createdAt: string;
  readonly contentHash: string;
  readonly rowCount: number;
  readonly message: string | null;
}

/** In the row of a submission, for those who may write. */
export function DeleteSubmissionButton<Submission extends DeletableSubmission>({
  submission,
  onAsk,
}: {
  readonly submission: Submission;
  /** Shows the question. */
  readonly onAsk: (submission: Submission) => void;
}) {
  return (
    <Button
      small
      look="quiet"
      aria-label={`Delete CSV ${submission.contentHash.slice(0, 12)}`}
      title="Delete"
      onClick={() => onAsk(submission)}
    >
      <Icon name="trash" />
    </Button>
  );
}

/** Asks, and deletes a submission. It stands beside the table of submissions: its row goes, it stays to tell a refusal. */
export function DeleteSubmissionQuestion({
  submission: { id, createdAt, rowCount, message },
  onClose,
  onSettled,
}: {
  readonly submission: DeletableSubmission;
  readonly onClose: () => void;
  /** The server has answered: what is there may be other than what is shown. */
  readonly onSettled: () => void;
}) {
  const remove = useApiMutation(DeleteSubmissionDocument);
  const [refusal, setRefusal] = useState<string | null>(null);
  const confirm = async () => {
    try {
      const { userErrors } = (await remove.mutateAsync({ id })).deleteSubmission;
      onSettled();
      if (userErrors.length) return setRefusal(sentences(userErrors));
      toasts.show('The submission is deleted');
      onClose();
    } catch (error) {
      setRefusal(sentence((error as Error).message));
    }
  };
  return (
    <Confirm
      title="Delete this submission?"
      action="Delete the submission"
      busy={remove.isPending}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      <p>
        Its CSV of {count(rowCount)} {rowCount === 1 ? 'row' : 'rows'}, made <Moment at={createdAt} />
        {message !== null && (
          <>
            {' '}
            (<Name whole>{message}</Name>)
          </>
        )}
        , goes for good. What it was made of stays.
      </p>
      {refusal !== null && (
        <Notice tone="bad" title="It was not deleted">
          {refusal}
        </Notice>
      )}
    </Confirm>
  );
}
