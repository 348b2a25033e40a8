import { expect, test } from 'vitest';
import { requireSafeBind } from '../../src/server/auth/bind.ts';
import { openAccess } from '../support/apiServer.ts';

test.each(['127.0.0.1', '127.8.8.8', 'localhost', '::1'])('%s is for this machine only', (host) => {
  expect(() => requireSafeBind({ host, access: openAccess })).not.toThrow();
});

test.each([
  '0.0.0.0',
  '::',
  '192.168.1.5',
  '::ffff:10.0.0.1',
  'rungraph.example',
  'localhost.example',
  '127.0.0.1.example',
])('%s needs authentication', (host) => {
  expect(() => requireSafeBind({ host, access: openAccess })).toThrow(`HOST is ${host}, where everybody`);
  expect(() => requireSafeBind({ host, access: { ...openAccess, authenticated: true } })).not.toThrow();
});
