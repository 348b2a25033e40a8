/** Sockets end with what opened them: a key that is revoked or expires, a session that is closed or ends, on whichever server that happens. */

import type { Listener } from '../../db/listener.ts';
import type { Viewer } from '../../domain/viewer.ts';
import { accessChannel } from '../../events/waker.ts';
import type { Services } from '../../graphql/context.ts';
import { findEndedAccess } from '../../store/session.ts';

/** Milliseconds between looks at all of them: what a lost notification and the clock end. */
const lookEvery = 5_000;

export interface OpenSockets {
  /** `end` is called once, when the viewer's access has ended; the returned function is for sockets that closed by themselves. */
  add(viewer: Viewer, end: () => void): () => void;
  close(): void;
}

interface Entry {
  readonly viewer: Viewer;
  readonly end: () => void;
}

export function createOpenSockets(
  { commands: { db, now }, log }: Pick<Services, 'commands' | 'log'>,
  listener: Pick<Listener, 'listen' | 'onReconnect'>,
): OpenSockets {
  const open = new Set<Entry>();
  let looking = false;

  /** Ends those whose key or session may not be used; looks at those of `id` only where one is given. */
  async function look(id?: string): Promise<void> {
    const entries = [...open].filter(
      ({ viewer }) => id === undefined || viewer.keyId === id || viewer.sessionId === id,
    );
    if (!entries.length) return;
    const keyIds = distinct(entries.map(({ viewer }) => viewer.keyId));
    const sessionIds = distinct(entries.map(({ viewer }) => viewer.sessionId));
    const ended = await findEndedAccess(db.prisma, { keyIds, sessionIds }, now());
    for (const entry of entries) {
      const { keyId, sessionId } = entry.viewer;
      if (!ended.has(keyId ?? '') && !ended.has(sessionId ?? '')) continue;
      if (open.delete(entry)) entry.end();
    }
  }

  const lookQuietly = (id?: string) =>
    look(id).catch((error: unknown) =>
      log.warn({ err: error }, 'keys and sessions of open sockets could not be checked'),
    );

  const stops = [
    listener.listen(accessChannel, (id) => void lookQuietly(id)),
    listener.onReconnect(() => void lookQuietly()),
  ];
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void lookQuietly().finally(() => {
      looking = false;
    });
  }, lookEvery);
  timer.unref();

  return {
    add(viewer, end) {
      const entry = { viewer, end };
      if (viewer.keyId !== null) open.add(entry);
      return () => void open.delete(entry);
    },
    close() {
      clearInterval(timer);
      for (const stop of stops) stop();
    },
  };
}

function distinct(ids: readonly (string | null)[]): string[] {
  return [...new Set(ids)].filter((id) => id !== null);
}
