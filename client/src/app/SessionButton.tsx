import { useApiQuery } from '../api/hooks.ts';
import { SessionDocument } from '../generated/operations.ts';
import { Button } from '../ui/Button.tsx';
import { toasts } from '../ui/toasts.ts';
import { ToolLabel } from './ToolLabel.tsx';

/** Who is logged in, and the way out; nothing on a server without authentication. */
export function SessionButton() {
  const { data } = useApiQuery(SessionDocument, {});
  if (!data || data.viewer.name === 'local') return null;
  const logOut = async () => {
    const gone = await fetch('/session', { method: 'DELETE' }).then(
      ({ ok, status }) => ok || status === 401,
      () => false,
    );
    if (gone) location.assign('/login');
    else toasts.show('Not logged out: the server does not answer. Try again.', { tone: 'bad' });
  };
  return (
    <Button look="quiet" small onClick={() => void logOut()} title={`Logged in as ${data.viewer.name}`}>
      <ToolLabel icon="leave">Log out</ToolLabel>
    </Button>
  );
}
