import { useMayWrite, useViewer } from '../parts/Viewer.tsx';
import { Button } from '../ui/Button.tsx';
import { Name } from '../ui/Name.tsx';
import { toasts } from '../ui/toasts.ts';
import styles from './App.module.css';
import { ToolLabel } from './ToolLabel.tsx';

/** Who is logged in, whether only to read, and the way out; nothing on a server without authentication. */
export function SessionButton() {
  const viewer = useViewer();
  const mayWrite = useMayWrite();
  if (!viewer || viewer.name === 'local') return null;
  const logOut = async () => {
    const gone = await fetch('/session', { method: 'DELETE' }).then(
      ({ ok, status }) => ok || status === 401,
      () => false,
    );
    if (gone) location.assign('/login');
    else toasts.refuse('Not logged out: the server does not answer. Try again.');
  };
  return (
    <>
      <span className={styles.viewer} title={`Logged in as ${viewer.name}`}>
        <Name>{viewer.name}</Name>
        {!mayWrite && (
          <span className={styles.readOnly} title="This key may only read: what writes is not offered">
            Read only
          </span>
        )}
      </span>
      <Button look="quiet" small onClick={() => void logOut()} title={`Logged in as ${viewer.name}`}>
        <ToolLabel icon="leave">Log out</ToolLabel>
      </Button>
    </>
  );
}
