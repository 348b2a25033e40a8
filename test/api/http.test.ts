import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, apiServer } from '../support/apiServer.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await apiServer();
});
afterAll(() => server.close());

describe('GraphQL over HTTP', () => {
  test('passes the audits of graphql-http; what it does not follow is forbidden by CSRF prevention', async () => {
    const results = await Promise.all(
      serverAudits({ url: `${server.url}/graphql`, fetchFn: fetch }).map(({ name, fn }) =>
        fn().then((r) => ({ ...r, name })),
      ),
    );
    const broken = results.filter(({ status }) => status === 'error' || status === 'warn');
    console.log(
      results
        .filter(({ status }) => status !== 'ok')
        .map((r) => `${r.status} ${r.name} ${'reason' in r ? r.reason : ''}`),
    );
    expect(broken.map(({ name }) => name)).toEqual([]);
  });
});
