/** Where a request comes from, as far as that can be believed. */

import type { IncomingMessage } from 'node:http';
import { networkTest } from '../../domain/network.ts';

export interface Client {
  readonly address: string;
  /** Whether the client speaks https, to this server or to a trusted proxy before it. */
  readonly secure: boolean;
  /** Name and port under which the client asks, e.g. `localhost:4000`. */
  readonly host: string | undefined;
}

export type ReadClient = (request: IncomingMessage) => Client;

/** Reads X-Forwarded-For, -Proto and -Host of requests that come from a trusted proxy, and of no others. */
export function createClientReader(trustedProxies: readonly string[]): ReadClient {
  const isTrusted = networkTest(trustedProxies);
  return ({ headers, socket }) => {
    const sender = plainAddress(socket.remoteAddress ?? '');
    const direct = { address: sender, secure: 'encrypted' in socket, host: headers.host };
    if (!isTrusted(sender)) return direct;
    // The first that is no proxy of ours, from the nearest on: what stands before it anybody may have written.
    const hops = [...listOf(headers['x-forwarded-for']).map(plainAddress), sender].reverse();
    const [proto] = listOf(headers['x-forwarded-proto']);
    const [host] = listOf(headers['x-forwarded-host']);
    return {
      address: hops.find((hop) => !isTrusted(hop)) ?? hops.at(-1)!,
      secure: proto === undefined ? direct.secure : proto.toLowerCase() === 'https',
      host: host ?? direct.host,
    };
  };
}

function listOf(header: string | string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .join()
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** IPv4 as IPv4, also where a socket for both writes it as IPv6. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
