import { useApiQuery } from '../api/hooks.ts';
import { SessionDocument } from '../generated/operations.ts';
import { Button } from '../ui/Button.tsx';
import { ToolLabel } from './ToolLabel.tsx';

/** Who is logged in, and the way out; nothing on a server without authentication. */
export function SessionButton() {
  const { data } = useApiQuery(SessionDocument, {});
  if (!data || data.viewer.name === 'local') return null;
  const logOut = async () => {
    await fetch('/session', { method: 'DELETE' });
    location.assign('/login');
  };
  return (
    <Button look="quiet" small onClick={() => void logOut()} title={`Logged in as ${data.viewer.name}`}>
      <ToolLabel icon="leave">Log out</ToolLabel>
    </Button>
  );
}
