import type { AccessConfig } from '../../config.ts';
import { networkTest } from '../../domain/network.ts';
import { StartupError } from '../../errors.ts';

const loopback = networkTest(['127.0.0.0/8', '::1']);

/** Whether only programs of this machine reach it: a name or an address, IPv6 with or without brackets. */
export function isLoopback(host: string): boolean {
  return /^(?:.+\.)?localhost$/i.test(host) || loopback(host.replace(/^\[|\]$/g, ''));
}

/** @throws StartupError for a server that anybody on the network could use */
export function requireSafeBind({ host, access }: { readonly host: string; readonly access: AccessConfig }): void {
  if (access.authenticated || isLoopback(host)) return;
  throw new StartupError(
    `HOST is ${host}, where everybody who reaches this machine could use the server: set RUNGRAPH_AUTH=keys, or HOST to 127.0.0.1`,
  );
}
