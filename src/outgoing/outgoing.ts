/** Requests to other hosts, and only to those that the configuration names: no library of ours asks anybody else. */

import { type LookupAddress, lookup as resolve } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { findHostRule, type HostRule } from '../domain/hostRule.ts';
import { isPrivateAddress } from '../domain/network.ts';

/** A host or an address that may not be asked. */
export class OutgoingRefusedError extends Error {
  override readonly name = 'OutgoingRefusedError';
}

export interface OutgoingRequest {
  readonly method: 'HEAD' | 'GET';
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the request, or the answer that is being read. */
  readonly signal: AbortSignal;
}

export interface OutgoingResponse {
  readonly status: number;
  readonly headers: Headers;
  /** Throws when the connection breaks before its end. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface Outgoing {
  /**
   * Sends one request; redirects are answers like any other, and following them is another request.
   * @throws OutgoingRefusedError when no rule allows the host, or its address is private and the rule does not allow that
   */
  request(url: URL, request: OutgoingRequest): Promise<OutgoingResponse>;
}

/**
 * The way out, as the rules allow it. Addresses are looked at where the connection is made, so that a name that answers
 * differently the second time gains nothing.
 */
export function createOutgoing(rules: readonly HostRule[], lookup: LookupFunction = resolve): Outgoing {
  return {
    request(url, { method, headers, signal }) {
      const rule = requireRule(rules, url);
      const checked = rule.mayBePrivate ? lookup : publicLookup(lookup);
      const { request } = url.protocol === 'https:' ? https : http;
      return new Promise((settle, reject) => {
        const sent = request(url, { method, headers, signal, lookup: checked, agent: false }, (response) => {
          settle({ status: response.statusCode!, headers: headersOf(response), body: response });
        });
        sent.once('error', reject);
        sent.end();
      });
    },
  };
}

function requireRule(rules: readonly HostRule[], url: URL): HostRule {
  const rule = findHostRule(rules, url);
  if (!rule || !/^https?:$/.test(url.protocol)) {
    throw new OutgoingRefusedError(
      `${url.host} is not a host that may be asked; RUNGRAPH_OUTGOING_HOSTS names those beside HF_ENDPOINT's`,
    );
  }
  // Names are looked up, addresses are not.
  const address = url.hostname.replace(/^\[|\]$/g, '');
  if (!rule.mayBePrivate && isIP(address) && isPrivateAddress(address)) throw privateAddress(url.host, address);
  return rule;
}

function publicLookup(lookup: LookupFunction): LookupFunction {
  return (host, options, answer) =>
    lookup(host, options, (error, found: string | LookupAddress[], family) => {
      const addresses = typeof found === 'string' ? [found] : (found ?? []).map(({ address }) => address);
      const refused = error ? undefined : addresses.find(isPrivateAddress);
      if (refused === undefined) answer(error, found, family);
      else answer(privateAddress(host, refused), [], 0);
    });
}

function privateAddress(host: string, address: string): OutgoingRefusedError {
  const which = host === address ? host : `${host} (${address})`;
  return new OutgoingRefusedError(
    `${which} is no address of the public Internet; RUNGRAPH_OUTGOING_HOSTS must name the host in full for that`,
  );
}

function headersOf({ headersDistinct }: http.IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  return headers;
}
