/** The archive that is on its way to the server, and becomes a data set there: it goes on while one looks at other views. */

import { navigate } from 'wouter/use-browser-location';
import { createIdempotencyKeys } from '../../api/idempotency.ts';
import { request } from '../../api/request.ts';
import { sentence } from '../../format/sentence.ts';
import { ImportDatasetDocument } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { toasts } from '../../ui/toasts.ts';
import { type ImportFacts, type ImportForm, type ImportProblems, placeProblems } from './importForm.ts';
import { type Mark, remember, type Sending, type SentUpload, sendFile, UploadCanceled } from './upload.ts';

export type Importing =
  | { readonly kind: 'idle' }
  /** `marks`: of the last seconds. Everything is sent once the last of them has the file's size; then the data set is registered. */
  | { readonly kind: 'sending'; readonly form: ImportForm; readonly file: File; readonly marks: readonly Mark[] }
  | { readonly kind: 'refused'; readonly form: ImportForm; readonly file: File; readonly problems: ImportProblems };

let state: Importing = { kind: 'idle' };
let sending: Sending | null = null;
/** What the server has of a file that could not be imported: it need not be sent again. */
let kept: { readonly file: File; readonly upload: SentUpload } | null = null;
/** Sending it again after an answer was lost registers nothing twice. */
const keys = createIdempotencyKeys();
const listeners = new Set<() => void>();

function become(next: Importing): void {
  state = next;
  if (next.kind === 'sending') window.addEventListener('beforeunload', warn);
  else window.removeEventListener('beforeunload', warn);
  for (const listener of listeners) listener();
}

/** The browser asks whether to leave, which would end the upload. */
const warn = (event: BeforeUnloadEvent) => event.preventDefault();

export const importing = {
  get: () => state,
  listen(onChange: () => void): () => void {
    listeners.add(onChange);
    return () => listeners.delete(onChange);
  },
  /** Sends the file, then registers the data set and shows it; one at a time. */
  async begin(form: ImportForm, facts: ImportFacts, file: File): Promise<void> {
    if (state.kind === 'sending') return;
    const mark = (sent: number): Mark => ({ at: performance.now(), sent });
    become({ kind: 'sending', form, file, marks: [mark(kept?.file === file ? file.size : 0)] });
    try {
      if (kept?.file !== file) {
        sending = sendFile(file, (sent) => {
          if (state.kind === 'sending') become({ ...state, marks: remember(state.marks, mark(sent)) });
        });
        kept = { file, upload: await sending.done };
      }
      const input = { ...facts, uploadId: kept.upload.id };
      const answer = await request(ImportDatasetDocument, { input: { ...input, idempotencyKey: keys.keyFor(input) } });
      const { dataset, userErrors } = answer.importDataset;
      if (!dataset) {
        const problems = placeProblems(userErrors);
        // Expired, or gone: it has to be sent again.
        if (problems.file !== undefined) kept = null;
        return refuse(form, file, problems);
      }
      kept = null;
      keys.done();
      become({ kind: 'idle' });
      arrive(dataset);
    } catch (error) {
      if (error instanceof UploadCanceled) become({ kind: 'refused', form, file, problems: {} });
      else refuse(form, file, { file: sentence((error as Error).message) });
    } finally {
      sending = null;
    }
  },
  cancel(): void {
    sending?.cancel();
  },
  /** What was refused has been seen. */
  forget(): void {
    if (state.kind === 'refused') become({ kind: 'idle' });
  },
};

function isLookedAt(): boolean {
  return location.pathname === routes.importDataset;
}

function arrive({ id, name }: { readonly id: string; readonly name: string }): void {
  if (isLookedAt()) navigate(routes.dataset(id));
  else toasts.show(`${name} has been sent`, { action: { label: 'Open', run: () => navigate(routes.dataset(id)) } });
}

function refuse(form: ImportForm, file: File, problems: ImportProblems): void {
  become({ kind: 'refused', form, file, problems });
  if (isLookedAt()) return;
  toasts.refuse(`${file.name} was not imported: ${Object.values(problems).join(' ')}`, {
    action: { label: 'Back to the form', run: () => navigate(routes.importDataset) },
  });
}
