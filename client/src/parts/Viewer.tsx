/** Who looks at the dashboard, and what their key may do. Where it may only read, writes are not offered: buttons and links to forms are not there. */

import { createContext, type ReactNode, useContext } from 'react';
import { useApiQuery } from '../api/hooks.ts';
import { SessionDocument, type SessionQuery } from '../generated/operations.ts';
import { Notice } from '../ui/Notice.tsx';

type Viewer = SessionQuery['viewer'];

const ViewerContext = createContext<Viewer | undefined>(undefined);

export function ViewerProvider({ children }: { readonly children: ReactNode }) {
  const { data } = useApiQuery(SessionDocument, {});
  return <ViewerContext.Provider value={data?.viewer}>{children}</ViewerContext.Provider>;
}

/** Undefined until the server has told. */
export function useViewer(): Viewer | undefined {
  return useContext(ViewerContext);
}

/** Whether the key lets one write; until the server has told, it is taken to: most do, and nothing jumps for them. */
export function useMayWrite(): boolean {
  const scopes = useViewer()?.scopes;
  return !scopes || scopes.includes('WRITE') || scopes.includes('ADMIN');
}

/** What is there only for those who may write. */
export function ForWriters({ children }: { readonly children: ReactNode }): ReactNode {
  return useMayWrite() ? children : null;
}

/** Above a form, for those who can only look at it; nothing for others. `what`: what it would do, e.g. `start a run`. */
export function ReadOnlyNotice({ what }: { readonly what: string }): ReactNode {
  if (useMayWrite()) return null;
  return (
    <Notice tone="warn" title="This key may only read">
      The form can be looked at. To {what}, log in with a key of scope WRITE.
    </Notice>
  );
}
