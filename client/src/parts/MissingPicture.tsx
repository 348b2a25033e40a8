import { useMissingReason } from '../api/pictures.ts';
import { sentence } from '../format/sentence.ts';
import { Notice } from '../ui/Notice.tsx';

/** In place of a picture that could not be loaded: why the server does not hand it out. */
export function MissingPicture({ url, title = 'No picture' }: { readonly url: string; readonly title?: string }) {
  const reason = useMissingReason(url);
  return (
    <Notice tone="warn" title={title}>
      {reason !== undefined && <bdi>{sentence(reason)}</bdi>}
    </Notice>
  );
}
