/** A short campaign of the fuzzer against a server in its own process; `npm run fuzz` throws for as long as one likes. */

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { campaign, healthProblem, readAll } from '../fuzz/campaign.ts';
import { graphqlRequest } from '../fuzz/http.ts';
import { problemInLog, problemOf } from '../fuzz/judge.ts';
import { createChoice } from '../fuzz/random.ts';
import { frame, messagesOf, upgrade } from '../fuzz/sockets.ts';
import { type FuzzedServer, fillDatabase, startFuzzedServer } from '../fuzz/target.ts';
import { createTestDatabase, dropTestDatabase } from '../support/database.ts';

/** FUZZ_SEED=N repeats a run; another one each day would make failures that nobody's change has caused. */
const seed = Number(process.env.FUZZ_SEED ?? 4);
const steps = 1000;

let url: string;
let home: string;
let server: FuzzedServer;
let ids: string[];
beforeAll(async () => {
  url = await createTestDatabase({ migrated: true });
  home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-fuzz-'));
  ids = await fillDatabase(url);
  server = await startFuzzedServer(url, home);
});
afterAll(async () => {
  await server.stop();
  await dropTestDatabase(url);
  await rm(home, { recursive: true, force: true });
});

test(`${steps} things thrown at it by seed ${seed} neither end it nor make it tell of its inside`, async () => {
  const report = await campaign(server, { seed, ids, goOn: (step) => step < steps, lanes: 4 });
  expect(report.findings).toEqual([]);
  expect(report.steps).toBe(steps);
  // What was thrown came through: some was answered, some refused, some spoke over a socket.
  for (const kind of ['101', '200', '400', '404', '415', '431']) expect(report.answers.get(kind)).toBeGreaterThan(0);
  expect(await healthProblem(server)).toBeNull();
  expect(await readAll(server)).toBeNull();
});

describe('the judge', () => {
  const answer = (status: string, body: string) => `HTTP/1.1 ${status}\r\n\r\n${body}`;

  test.for([
    [answer('500 Internal Server Error', '{}'), 'status 500'],
    [
      answer('200 OK', '{"errors":[{"message":"Cannot read properties of undefined (reading \'id\')"}]}'),
      'Cannot read propert',
    ],
    [answer('200 OK', '{"errors":[{"message":"Invalid `prisma.run.findMany()` invocation"}]}'), 'prisma'],
    [answer('400 Bad Request', 'Error: x\n    at Object.run (/srv/rungraph/src/a.ts:3:4)'), '.ts:3'],
    [answer('200 OK', '{"errors":[{"message":"Internal server error. The log has more"}]}'), 'nternal server error'],
    [answer('404 Not Found', 'nothing at /home/of/rungraph/blobs'), 'home folder'],
  ])('finds %j', ([text, part]) => {
    expect(problemOf(text!, '/home/of/rungraph')).toContain(part);
  });

  test('finds messages and closings of sockets, and errors of the log', () => {
    const opened = 'HTTP/1.1 101 Switching Protocols\r\n\r\n';
    const said = (bytes: Buffer) => opened + bytes.toString('latin1');
    const leak = frame('{"payload":[{"message":"relation \\"run\\" is not there"}]}', { masked: false });
    expect(problemOf(said(leak), '/home')).toContain('relation');
    const closed = frame(Buffer.from([0x11, 0x94, ...Buffer.from('oops')]), { opcode: 8, masked: false });
    expect(problemOf(said(closed), '/home')).toBe('closed: CLOSE 4500 oops');
    expect(messagesOf(said(frame('{}', { masked: false })))).toEqual(['{}']);
    expect(problemOf(said(frame('{"type":"pong"}', { masked: false })), '/home')).toBeNull();
    expect(problemInLog('{"level":50,"msg":"a resolver failed"}')).toContain('a resolver failed');
    expect(problemInLog('{"level":40,"msg":"slow"}')).toBeNull();
    expect(problemInLog('TypeError: x')).toContain('printed');
  });

  test('lets right answers pass', () => {
    expect(problemOf(answer('200 OK', '{"data":{"run":null}}'), '/home')).toBeNull();
    expect(problemOf('', '/home')).toBeNull();
  });
});

test('a seed and a step throw the same again', () => {
  const drawn = () =>
    Array.from(
      { length: 100 },
      (
        (choice) => () =>
          choice.below(1000)
      )(createChoice(7, 3)),
    );
  expect(drawn()).toEqual(drawn());
  expect(createChoice(7, 4).bytes(20)).not.toEqual(createChoice(7, 3).bytes(20));
  expect(upgrade().toString()).toContain('graphql-transport-ws');
  expect(graphqlRequest({}).toString()).toMatch(/\r\n\r\n\{\}$/);
});
