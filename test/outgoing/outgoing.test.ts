import { createServer, type Server } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HostRule, parseHostRule } from '../../src/domain/hostRule.ts';
import { isPrivateAddress } from '../../src/domain/network.ts';
import { createOutgoing, OutgoingRefusedError } from '../../src/outgoing/outgoing.ts';

let server: Server;
let port: number;
let asked = 0;
beforeAll(async () => {
  server = createServer((_request, response) => {
    asked++;
    response.end('hello');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => server.close());

/** Every name is that address. */
const namesAre =
  (address: string): LookupFunction =>
  (_host, options, answer) =>
    options.all ? answer(null, [{ address, family: 4 }]) : answer(null, address, 4);

const rule = (pattern: string, mayBePrivate: boolean): HostRule => ({ ...parseHostRule(pattern)!, mayBePrivate });

async function ask(rules: readonly HostRule[], url: string, lookup?: LookupFunction): Promise<string> {
  const { signal } = new AbortController();
  const outgoing = createOutgoing(rules, lookup);
  const response = await Promise.resolve().then(() =>
    outgoing.request(new URL(url), { method: 'GET', headers: {}, signal }),
  );
  return text(response.body);
}

describe('who may be asked', () => {
  test('a host that is named, with its port; no other reaches its server', async () => {
    expect(await ask([rule(`127.0.0.1:${port}`, true)], `http://127.0.0.1:${port}/`)).toBe('hello');
    const before = asked;
    const others = [`localhost:${port}`, `127.0.0.1:${port + 1}`, '127.0.0.1', '*.example'];
    for (const other of others) {
      await expect(ask([rule(other, true)], `http://127.0.0.1:${port}/`)).rejects.toThrow(
        `127.0.0.1:${port} is not a host that may be asked`,
      );
    }
    expect(asked).toBe(before);
  });

  test('names below a pattern, and not what only looks like it', async () => {
    const below = [rule(`*.hub.example:${port}`, true)];
    const lookup = namesAre('127.0.0.1');
    expect(await ask(below, `http://cdn.hub.example:${port}/`, lookup)).toBe('hello');
    expect(await ask(below, `http://a.b.HUB.example:${port}/`, lookup)).toBe('hello');
    for (const host of ['hub.example', 'evilhub.example', 'hub.example.evil']) {
      await expect(ask(below, `http://${host}:${port}/`, lookup)).rejects.toBeInstanceOf(OutgoingRefusedError);
    }
  });

  test('other protocols never', async () => {
    await expect(ask([rule('hub.example', true)], 'ftp://hub.example/')).rejects.toBeInstanceOf(OutgoingRefusedError);
  });
});

describe('addresses that are not of the public Internet', () => {
  test('are refused where a name leads to one, before anything is sent', async () => {
    const before = asked;
    for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:192.168.0.1']) {
      await expect(
        ask([rule(`hub.example:${port}`, false)], `http://hub.example:${port}/`, namesAre(address)),
      ).rejects.toThrow(`hub.example (${address}) is no address of the public Internet`);
    }
    expect(asked).toBe(before);
  });

  test('are refused where the URL has one', async () => {
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1']) {
      const { hostname } = new URL(`http://${host}`);
      await expect(ask([rule(`${hostname}:${port}`, false)], `http://${host}:${port}/`)).rejects.toThrow(
        'is no address of the public Internet',
      );
    }
  });

  test.each([
    ...['0.0.0.0', '10.255.0.1', '100.64.0.1', '127.8.8.8', '169.254.0.1', '172.31.0.1', '192.168.1.1', '224.0.0.1'],
    ...['255.255.255.255', '::', '::1', 'fe80::1', 'fd00::1', 'ff02::1', '::ffff:10.0.0.1', '64:ff9b::a00:1'],
  ])('%s is one', (address) => expect(isPrivateAddress(address)).toBe(true));

  test.each(['1.1.1.1', '172.32.0.1', '192.169.0.1', '2606:4700::1111', '::ffff:1.1.1.1'])('%s is none', (address) =>
    expect(isPrivateAddress(address)).toBe(false),
  );
});
