import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { StartupError } from '../src/errors.ts';

describe('the hub is configured as the Hugging Face libraries are', () => {
  const home = path.join(os.homedir(), '.cache/huggingface/hub');
  test.each([
    [{}, home],
    [{ XDG_CACHE_HOME: '/xdg' }, '/xdg/huggingface/hub'],
    [{ XDG_CACHE_HOME: '/xdg', HF_HOME: '/hf' }, '/hf/hub'],
    [{ HF_HOME: '/hf', HF_HUB_CACHE: '/downloads' }, '/downloads'],
    [{ HF_HOME: '' }, home],
  ])('%j: the cache is %s', (env, cacheDirectory) => {
    const rest = { endpoint: 'https://huggingface.co', token: undefined, offline: false };
    expect(readConfig(env).hub).toMatchObject({ ...rest, cacheDirectory });
  });

  test.each([
    [{}, path.join(os.homedir(), '.cache/huggingface/token')],
    [{ HF_HOME: '/hf', HF_HUB_CACHE: '/downloads' }, '/hf/token'],
    [{ HF_HOME: '/hf', HF_TOKEN_PATH: '/secrets/hub' }, '/secrets/hub'],
  ])('%j: a login leaves its token in %s', (env, tokenFile) => {
    expect(readConfig(env).hub).toMatchObject({ token: undefined, tokenFile });
  });

  test('endpoint, token and offline', () => {
    const env = { HF_ENDPOINT: 'http://mirror:8080/hub/', HF_TOKEN: 'hf_x', HF_HUB_OFFLINE: 'true' };
    expect(readConfig(env).hub).toMatchObject({ endpoint: 'http://mirror:8080/hub', token: 'hf_x', offline: true });
    expect(readConfig({ HF_HUB_OFFLINE: '0' }).hub.offline).toBe(false);
  });

  test.each([{ HF_ENDPOINT: 'mirror' }, { HF_ENDPOINT: 'ftp://mirror' }, { HF_ENDPOINT: 'https://user:pw@mirror' }])(
    '%j is refused',
    (env) => {
      expect(() => readConfig(env)).toThrow(StartupError);
      expect(() => readConfig(env)).toThrow(/HF_ENDPOINT: /);
    },
  );

  test('a token that could not be sent is refused, without being shown', () => {
    const refused = () => readConfig({ HF_TOKEN: 'hf_secret\nnext' });
    expect(refused).toThrow('HF_TOKEN: must be one word');
    expect(refused).not.toThrow(/secret/);
  });
});

describe('outgoing hosts', () => {
  const rules = (env: Record<string, string>) =>
    readConfig(env).hub.hosts.map((rule) => `${rule.below ? '*.' : ''}${rule.host}:${rule.port} ${rule.mayBePrivate}`);

  test.each([
    [{}, ['huggingface.co:null false', '*.huggingface.co:null false', '*.hf.co:null false']],
    [
      { HF_ENDPOINT: 'http://mirror:8080', RUNGRAPH_OUTGOING_HOSTS: 'cdn.mirror, *.s3.example:9000' },
      ['mirror:8080 true', 'cdn.mirror:null true', '*.s3.example:9000 false'],
    ],
    [{ RUNGRAPH_OUTGOING_HOSTS: ' , ' }, ['huggingface.co:null false']],
  ])('%j', (env, expected) => expect(rules(env)).toEqual(expected));
});

test('limits and introspection are as usual unless they are named', () => {
  expect(readConfig({})).toMatchObject({ limits: {}, introspection: true });
  const env = { RUNGRAPH_LIMITS: 'cost=5000,depth=3', RUNGRAPH_INTROSPECTION: '0' };
  expect(readConfig(env)).toMatchObject({ limits: { cost: 5000, depth: 3 }, introspection: false });
});

describe('access', () => {
  test('is off unless it is asked for', () => {
    const nothing = { allowedHosts: [], corsOrigins: [], trustedProxies: [] };
    expect(readConfig({}).access).toEqual({ authenticated: false, ...nothing });
    expect(readConfig({ RUNGRAPH_AUTH: 'keys' }).access).toEqual({ authenticated: true, ...nothing });
  });

  test('lists are read as they are meant', () => {
    const env = {
      RUNGRAPH_ALLOWED_HOSTS: 'Rungraph.example,[::1]',
      RUNGRAPH_CORS_ORIGINS: 'https://a.example, http://localhost:5173',
      RUNGRAPH_TRUST_PROXY: '10.0.0.0/8,::1',
    };
    expect(readConfig(env).access).toMatchObject({
      allowedHosts: ['rungraph.example', '[::1]'],
      corsOrigins: ['https://a.example', 'http://localhost:5173'],
      trustedProxies: ['10.0.0.0/8', '::1'],
    });
  });

  test.each([
    ['RUNGRAPH_AUTH', 'password'],
    ['RUNGRAPH_LIMITS', 'cost=many'],
    ['RUNGRAPH_LIMITS', 'nonsense=1'],
    ['RUNGRAPH_ALLOWED_HOSTS', 'rungraph.example:4000'],
    ['RUNGRAPH_ALLOWED_HOSTS', '*'],
    ['RUNGRAPH_CORS_ORIGINS', '*'],
    ['RUNGRAPH_CORS_ORIGINS', 'https://a.example/'],
    ['RUNGRAPH_CORS_ORIGINS', 'null'],
    ['RUNGRAPH_TRUST_PROXY', 'true'],
    ['RUNGRAPH_TRUST_PROXY', '10.0.0.0/33'],
    ['RUNGRAPH_OUTGOING_HOSTS', '*'],
    ['RUNGRAPH_OUTGOING_HOSTS', 'https://hf.co'],
  ])('%s=%s is refused by name', (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^ {2}${name}`, 'm'));
  });
});

describe('folders that requests may name', () => {
  const home = '/srv/rungraph';
  test.each([
    [{}, null, null],
    [{ RUNGRAPH_AUTH: 'keys' }, [`${home}/datasets`], [`${home}/datasets`]],
    [
      { RUNGRAPH_AUTH: 'keys', RUNGRAPH_DATA_ROOTS: '/data:/more/../images' },
      ['/data', '/images'],
      ['/data', '/images'],
    ],
    [{ RUNGRAPH_DATA_ROOTS: '/data', RUNGRAPH_WEIGHTS_ROOTS: '/weights' }, ['/data'], ['/weights']],
    [{ RUNGRAPH_WEIGHTS_ROOTS: '/weights' }, null, ['/weights']],
    [{ RUNGRAPH_DATA_ROOTS: ':' }, [], []],
  ])('%j: data %j, weights %j', (env, dataRoots, weightsRoots) => {
    expect(readConfig({ RUNGRAPH_HOME: home, ...env })).toMatchObject({ dataRoots, weightsRoots });
  });
});

test.each(['4190', '6000', '25'])('PORT=%s is refused: no browser would ask it', (PORT) => {
  expect(() => readConfig({ PORT })).toThrow(StartupError);
  expect(() => readConfig({ PORT })).toThrow(/PORT: is a port that browsers refuse/);
  expect(readConfig({ RUNGRAPH_WORKER_PORT: PORT })).toMatchObject({ port: 4000, workerPort: Number(PORT) });
});
