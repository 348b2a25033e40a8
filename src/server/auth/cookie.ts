/** The cookie of a dashboard session. */

import type { IncomingMessage } from 'node:http';
import { sessionAge } from '../../store/session.ts';
import type { Client } from './client.ts';

/** Under https a name that browsers take from this host only, and only with Secure. */
const nameOf = ({ secure }: Client) => (secure ? '__Host-rungraph_session' : 'rungraph_session');

/** The session's secret that a request carries. */
export function readSessionCookie(
  { headers: { cookie = '' } }: Pick<IncomingMessage, 'headers'>,
  client: Client,
): string | undefined {
  const name = nameOf(client);
  for (const part of cookie.split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name && value) return value;
  }
  return undefined;
}

/** Header set-cookie; without a secret it takes the cookie away. Scripts cannot read it, other sites cannot have it sent. */
export function sessionCookie(client: Client, secret: string | null): string {
  const age = secret === null ? 0 : sessionAge / 1000;
  const attributes = ['Path=/', `Max-Age=${age}`, 'HttpOnly', 'SameSite=Strict', ...(client.secure ? ['Secure'] : [])];
  return [`${nameOf(client)}=${secret ?? ''}`, ...attributes].join('; ');
}
