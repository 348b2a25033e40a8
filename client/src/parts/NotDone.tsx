import { ApiError } from '../api/request.ts';
import { sentence } from '../format/sentence.ts';
import { Notice } from '../ui/Notice.tsx';

/** Why a form that was sent has done nothing that is known of: the server refused it, or there was no answer. `again`: what sending it once more does. */
export function NotDone({ error, again }: { readonly error: Error; readonly again: string }) {
  const refused = error instanceof ApiError && error.status < 500;
  return (
    <Notice tone="bad" title={refused ? 'The server refuses it' : 'No answer'}>
      {sentence(error.message)}
      {!refused && ` ${again}`}
    </Notice>
  );
}
