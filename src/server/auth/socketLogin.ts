/** Who opens a WebSocket: by its first message, by the header of the upgrade, or by the cookie of a session. */

import type { IncomingMessage } from 'node:http';
import { CloseCode } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { absenceMessage, isDatabaseAway } from '../../domain/absence.ts';
import { allows, type Viewer } from '../../domain/viewer.ts';
import type { Access } from './access.ts';
import { UnauthenticatedError } from './authenticator.ts';
import type { Client } from './client.ts';

/** Try Again Later: clients of the protocol connect again after it. */
const awayCode = 1013;

/** Bytes of the reason of a close frame. */
const longestReason = 123;

/**
 * The viewer, whose access the socket ends with; null after the socket was closed: with 4401 for want of credentials or of READ, with
 * 1013 for want of the database.
 * @param payload of the message connection_init: `authorization` reads as the header of that name
 */
export async function logInSocket(
  { identify, openSockets }: Pick<Access, 'identify' | 'openSockets'>,
  {
    socket,
    request,
    client,
  }: { readonly socket: WebSocket; readonly request: IncomingMessage; readonly client: Client },
  payload: Readonly<Record<string, unknown>> | undefined,
): Promise<Viewer | null> {
  const refuse = (reason: string) => {
    socket.close(CloseCode.Unauthorized, reason.slice(0, longestReason));
    return null;
  };
  try {
    const viewer = await identify(request, client, payload?.authorization ?? payload?.Authorization);
    if (!viewer) return refuse('Send {"authorization": "Bearer KEY"} with connection_init, or log in');
    if (!allows(viewer.scopes, 'READ')) return refuse('The API key has no scope');
    const leave = openSockets.add(viewer, () => refuse('The API key or session has ended'));
    socket.once('close', leave);
    // It may have closed while its credentials were looked at.
    if (socket.readyState !== socket.OPEN) leave();
    return viewer;
  } catch (error) {
    if (error instanceof UnauthenticatedError) return refuse(error.message);
    if (!isDatabaseAway(error)) throw error;
    socket.close(awayCode, absenceMessage);
    return null;
  }
}
