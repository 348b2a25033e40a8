/** Throws things at a server and watches what becomes of it. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphQLObjectType, GraphQLSchema } from 'graphql';
import { getNamedType, isCompositeType, isNonNullType } from 'graphql';
import { createSchema } from '../../src/graphql/schema.ts';
import { operationOf } from './documents.ts';
import { exchange, graphqlRequest, oddRequest, request } from './http.ts';
import { problemOf } from './judge.ts';
import { type Choice, createChoice, mutate } from './random.ts';
import { conversation, frame, upgrade } from './sockets.ts';
import type { FuzzedServer } from './target.ts';

export interface Finding {
  readonly step: number;
  readonly problem: string;
  /** What was sent; of a log's line, nothing. */
  readonly sent: string;
}

export interface Report {
  readonly steps: number;
  /** Answers by what was thrown: HTTP statuses, `socket`, `none`. */
  readonly answers: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
  /** Bytes, at the end of each tenth. */
  readonly memory: readonly number[];
}

export interface CampaignOptions {
  readonly seed: number;
  readonly ids: readonly string[];
  /** First step, to repeat one. */
  readonly from?: number;
  /** Whether to go on; asked before each step. */
  readonly goOn: (step: number) => boolean;
  /** Things thrown at the same time. */
  readonly lanes: number;
}

/** Milliseconds for which the answer to something broken, and a conversation over a socket, is listened to. */
const listenMs = 250;
/** Ids that answers brought along, which are thrown as well. */
const mostIds = 300;

export async function campaign(server: FuzzedServer, options: CampaignOptions): Promise<Report> {
  const schema = createSchema();
  const ids = [...options.ids];
  const answers = new Map<string, number>();
  const findings: Finding[] = [];
  const memory: number[] = [];
  let next = options.from ?? 0;
  let heard = 0;

  async function step(number: number): Promise<void> {
    const choice = createChoice(options.seed, number);
    const { parts, ms } = thrown(schema, choice, ids, number);
    const answer = await exchange(server, parts, ms);
    const kind = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'none';
    answers.set(kind, (answers.get(kind) ?? 0) + 1);
    const found = (problem: string | null) => {
      if (problem !== null)
        findings.push({ step: number, problem, sent: Buffer.concat(parts).toString('latin1').slice(0, 4000) });
    };
    found(problemOf(answer, server.home));
    for (const [id] of answer.matchAll(/\b[a-z]{2,4}_[0-9a-z]{20,}\b/g)) {
      if (ids.length >= mostIds) ids.splice(options.ids.length, 50);
      if (!ids.includes(id)) ids.push(id);
    }
    for (; heard < server.problems.length; heard++) found(server.problems[heard]!);
    if (number % 100 === 0) {
      found(await healthProblem(server));
      memory.push(server.residentMemory());
    }
  }

  await Promise.all(
    Array.from({ length: options.lanes }, async () => {
      while (server.ended() === null && options.goOn(next)) await step(next++);
    }),
  );
  const ended = server.ended();
  if (ended !== null) findings.push({ step: next, problem: `the server ended: ${ended}`, sent: '' });
  return { steps: next - (options.from ?? 0), answers, findings, memory: tenths(memory) };
}

function thrown(
  schema: GraphQLSchema,
  choice: Choice,
  ids: readonly string[],
  number: number,
): { readonly parts: Buffer[]; readonly ms: number } {
  const operation = () => operationOf(schema, choice, ids);
  const dice = choice.below(100);
  if (dice < 45) {
    const { type: _, ...body } = operation();
    const headers = { 'content-type': 'application/json', 'x-request-id': `fuzz-${number}` };
    return { parts: [request('POST', '/graphql', headers, JSON.stringify(body))], ms: 20_000 };
  }
  if (dice < 55) {
    const { type: _, ...body } = operation();
    const text = mutate(Buffer.from(JSON.stringify(body)), choice);
    return { parts: [request('POST', '/graphql', { 'content-type': 'application/json' }, text)], ms: 20_000 };
  }
  if (dice < 75) return { parts: oddRequest(choice, ids), ms: listenMs };
  const said = conversation(choice, operation);
  const all = choice.chance(0.1) ? said.map((part) => mutate(part, choice)) : said;
  return { parts: [upgrade(), ...all, ...(choice.chance(0.5) ? [frame('', { opcode: 8 })] : [])], ms: listenMs };
}

/** Null while the server answers that it lives and that it can work. */
export async function healthProblem(server: FuzzedServer): Promise<string | null> {
  for (const path of ['/healthz', '/readyz']) {
    let answer = '';
    // A busy machine may keep a check waiting for longer than it has.
    for (let tries = 0; tries < 10 && !answer.startsWith('HTTP/1.1 200'); tries++) {
      if (tries) await sleep(1_000);
      answer = await exchange(server, [request('GET', path, {})], 20_000);
    }
    if (!answer.startsWith('HTTP/1.1 200')) return `${path}: ${answer.slice(0, 500) || 'no answer'}`;
  }
  return null;
}

/** Reads everything that lists hold, all fields, page by page; the first error, or null. */
export async function readAll(server: FuzzedServer): Promise<string | null> {
  const schema = createSchema();
  for (const list of ['experiments', 'runs', 'datasets', 'memoryProbes']) {
    const node = `${(schema.getQueryType()!.getFields()[list]!.type as { ofType?: { name: string } }).ofType?.name}`;
    const type = node.replace(/Connection$/, '');
    for (let after: string | null = null; ; ) {
      const query = `query ($after: String) { ${list}(first: 20, after: $after) { pageInfo { endCursor hasNextPage } nodes ${everything(schema, type, 2)} } }`;
      const answer = await exchange(server, [graphqlRequest({ query, variables: { after } })], 60_000);
      const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4).replace(/^[\da-f]+\r\n/, '')) as {
        readonly errors?: unknown;
        readonly data?: Record<string, { pageInfo: { endCursor: string | null; hasNextPage: boolean } }>;
      };
      if (body.errors) return `${list} after ${after}: ${JSON.stringify(body.errors)}`;
      const { pageInfo } = body.data![list]!;
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
  }
  return null;
}

/** A selection of all fields that need no argument, objects as deep as told, connections left out. */
function everything(schema: GraphQLSchema, name: string, depth: number): string {
  const type = schema.getType(name) as GraphQLObjectType;
  const fields = Object.values(type.getFields()).flatMap((field) => {
    if (field.args.some((argument) => isNonNullType(argument.type) && argument.defaultValue === undefined)) return [];
    const named = getNamedType(field.type);
    if (!isCompositeType(named)) return [field.name];
    if (depth === 0 || !('getFields' in named) || named.name.endsWith('Connection') || field.args.length) return [];
    return [`${field.name} ${everything(schema, named.name, depth - 1)}`];
  });
  return `{ ${fields.join(' ') || '__typename'} }`;
}

function tenths(values: readonly number[]): number[] {
  if (values.length <= 10) return [...values];
  return Array.from({ length: 10 }, (_, i) => values[Math.ceil(((i + 1) * values.length) / 10) - 1]!);
}
