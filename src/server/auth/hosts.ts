/** Names under which this server may be asked. */

import type { IncomingMessage } from 'node:http';
import type { AccessConfig } from '../../config.ts';
import { isLoopback } from './bind.ts';
import type { Client } from './client.ts';

/**
 * Why a request is refused for the name that it was sent to; null when it is not. A page of another site may have its own name
 * lead to this machine (DNS rebinding): the browser then takes us for that site and sends what the page wants, but the name gives
 * it away. With authentication such a page has no key, so names are checked only where they are listed.
 */
export function createHostCheck({ authenticated, allowedHosts }: AccessConfig) {
  const isAllowed = (host: string): boolean => {
    const name = host.replace(/:\d*$/, '').toLowerCase();
    return isLoopback(name) || allowedHosts.includes(name);
  };
  return ({ headers }: IncomingMessage, client: Client): string | null => {
    if (authenticated && !allowedHosts.length) return null;
    const wrong = [headers.host ?? '', client.host ?? ''].find((host) => !isAllowed(host));
    if (wrong === undefined) return null;
    return `${JSON.stringify(wrong)} is no name of this server; RUNGRAPH_ALLOWED_HOSTS lists those besides localhost`;
  };
}
