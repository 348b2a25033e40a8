import { Button } from '../../ui/Button.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { isRefused, refusal } from './refusal.ts';

/** Why there is no result, or only the last one. What is refused is refused again; all else can be tried. */
export function NotComputed({ error, onRetry }: { readonly error: Error; readonly onRetry: () => void }) {
  return (
    <Notice tone="bad" actions={!isRefused(error) && <Button onClick={onRetry}>Try again</Button>}>
      {refusal(error)}
    </Notice>
  );
}
