import { Component, type ReactNode, useEffect } from 'react';
import { connection } from '../api/connection.ts';
import { Button } from '../ui/Button.tsx';
import { Notice } from '../ui/Notice.tsx';
import { PageLoadError } from './page.ts';

/** Keeps a bug in one view from taking the others along. */
export class Boundary extends Component<{ readonly children: ReactNode }, { readonly error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    if (error instanceof PageLoadError) return <Missing />;
    return (
      <Notice tone="bad" title="This page has a bug" actions={again}>
        {error.message}
      </Notice>
    );
  }
}

const again = <Button onClick={() => location.reload()}>Load it again</Button>;

/** Milliseconds: what could not be loaded again just now is not tried a third time by itself. */
const recently = 15_000;

/** The code of the page is not there: it is loaded anew, its state stands in its address, once the server answers. */
function Missing() {
  useEffect(() => {
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
    if (navigation?.type === 'reload' && performance.now() < recently) return;
    const forget = connection.onReturn(() => location.reload());
    connection.heard(false);
    return forget;
  }, []);
  return (
    <Notice tone="warn" title="This page could not be loaded" actions={again}>
      The server does not answer, or has been updated. The page is loaded by itself when the server is there.
    </Notice>
  );
}
