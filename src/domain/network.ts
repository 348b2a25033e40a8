/** Addresses and networks of IP. */

import { BlockList, isIP } from 'node:net';

/** Whether the text is an address, or a network as `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [address, prefix, ...more] = text.split('/') as [string, string?, ...string[]];
  const family = isIP(address);
  if (!family || more.length) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

/** Tells whether an address is in one of the networks; IPv4 written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
export function networkTest(networks: readonly string[]): (address: string) => boolean {
  const found = new BlockList();
  for (const network of networks) {
    const [address, prefix] = network.split('/') as [string, string?];
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (prefix === undefined) found.addAddress(address, family);
    else found.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && found.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
}

/**
 * Whether an address is not of the public Internet: this machine, a private or link-local network, multicast, and what is reserved
 * (the registries of RFC 6890).
 */
export const isPrivateAddress = networkTest([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...[
    '192.0.2.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
  ],
  // IPv6 in which IPv4 addresses hide (64:ff9b, 2002) could be any of these.
  ...['::/128', '::1/128', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001:db8::/32', '2002::/16'],
  ...['fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
]);
