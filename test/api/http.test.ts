import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, apiServer } from '../support/apiServer.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await apiServer();
});
afterAll(() => server.close());

function post(body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) {
  return fetch(`${server.url}/graphql`, { method: 'POST', headers, body });
}

describe('GraphQL over HTTP', () => {
  test('passes the audits of graphql-http; what it leaves out is optional and forbidden by CSRF prevention', async () => {
    const audits = serverAudits({ url: `${server.url}/graphql`, fetchFn: fetch });
    const results = await Promise.all(audits.map(async ({ name, fn }) => ({ name, status: (await fn()).status })));
    expect(results.filter(({ status }) => status === 'error' || status === 'warn')).toEqual([]);
    const notices = results.filter(({ status }) => status === 'notice').map(({ name }) => name);
    expect(notices).toEqual([
      'MAY accept application/x-www-form-urlencoded formatted GET requests',
      'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json',
      'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json',
    ]);
    expect(results.length).toBeGreaterThan(50);
  });

  test('refuses what a form of another site could send', async () => {
    const query = '{ server { version } }';
    const asText = await post(JSON.stringify({ query }), { 'content-type': 'text/plain' });
    const asLink = await fetch(`${server.url}/graphql?query=${encodeURIComponent(query)}`);
    expect([asText.status, asLink.status]).toEqual([400, 400]);
    expect(await asLink.text()).toContain('Cross-Site Request Forgery');
  });

  test('answers malformed and oversized bodies in JSON', async () => {
    const malformed = await post('{"query": ');
    expect(malformed.status).toBe(400);
    expect(await malformed.json()).toEqual({ errors: [{ message: 'The request body is not valid JSON' }] });
    const oversized = await post(JSON.stringify({ query: `{ server { version } } # ${'x'.repeat(1_000_000)}` }));
    expect(oversized.status).toBe(413);
    const message = 'The request body is larger than the limit of 1000000 bytes';
    expect(await oversized.json()).toEqual({ errors: [{ message, extensions: { code: 'LIMIT_EXCEEDED' } }] });
  });

  test('errors of the query say what and where, with a code', async () => {
    const { errors, status } = await server.send('{ nonsense }');
    expect(status).toBe(400);
    expect(errors).toMatchObject([
      { message: expect.stringContaining('"nonsense"'), extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
    ]);
    expect(errors[0]!.extensions).not.toHaveProperty('http');
    expect(errors[0]!.extensions).not.toHaveProperty('stacktrace');
  });

  test('a bug is masked; its request id is in the answer, its header and the log', async () => {
    await server.context.db.pool.query('alter table worker rename to worker_away');
    const { errors, headers } = await server.send('{ workers { id } }');
    await server.context.db.pool.query('alter table worker_away rename to worker');
    const requestId = headers.get('x-request-id');
    expect(errors).toEqual([
      expect.objectContaining({
        message: `Internal server error. The server's log has more about request ${requestId}`,
        extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
        path: ['workers'],
      }),
    ]);
    expect(server.logged.filter((line) => line.requestId === requestId && line.msg !== 'operation')).toMatchObject([
      { level: 50, err: { message: expect.stringContaining('worker') } },
    ]);
  });
});

describe('everything else', () => {
  test('every answer forbids foreign content and guessing of types', async () => {
    for (const path of ['/', '/graphiql', '/nowhere', '/version']) {
      const { headers } = await fetch(server.url + path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      const policy = headers.get('content-security-policy')!;
      expect(policy).toContain("default-src 'self'");
      expect(policy).not.toMatch(/script-src|unsafe-eval|https?:/);
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });

  test('unknown paths and unreadable ones are answered in JSON', async () => {
    const missing = await fetch(`${server.url}/nowhere`);
    expect(missing.status).toBe(404);
    expect(await missing.json()).toEqual({ errors: [{ message: 'There is nothing at /nowhere' }] });
    const unreadable = await fetch(`${server.url}/submissions/%E0%A4%A.csv`);
    expect(unreadable.status).toBe(400);
    expect(unreadable.headers.get('content-type')).toContain('application/json');
  });

  test('tells that it lives, that it is ready, and its version', async () => {
    const [health, ready, version] = await Promise.all(
      ['/healthz', '/readyz', '/version'].map(async (path) => {
        const response = await fetch(server.url + path);
        return { status: response.status, body: await response.json() };
      }),
    );
    expect(health).toEqual({ status: 200, body: { status: 'ok' } });
    expect(ready).toMatchObject({ status: 200, body: { status: 'ok', checks: { database: 'ok', draining: 'ok' } } });
    expect(version).toMatchObject({ status: 200, body: { name: 'rungraph', version: expect.stringMatching(/^\d/) } });
  });
});
