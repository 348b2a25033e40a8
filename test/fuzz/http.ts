/** Requests over raw sockets: right ones with odd contents, and ones that no client would send. */

import net from 'node:net';
import type { Choice } from './random.ts';
import { mutate } from './random.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Sends bytes and reads what comes back until the server closes, or a whole answer of one request is there, or `ms` are over. */
export function exchange(target: Target, parts: readonly Buffer[], ms = 3_000): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(target.port, target.host);
    const received: Buffer[] = [];
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(received).toString('latin1'));
    };
    const timer = setTimeout(finish, ms);
    socket.on('error', finish);
    socket.on('close', finish);
    socket.on('data', (bytes) => {
      received.push(bytes);
    });
    socket.on('connect', () => {
      for (const part of parts) socket.write(part);
    });
  });
}

/** A request that is answered and closed. */
export function request(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer | string = '',
): Buffer {
  const bytes = Buffer.from(body);
  const all = { host: 'localhost', connection: 'close', 'content-length': String(bytes.length), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`), bytes]);
}

export function graphqlRequest(body: unknown): Buffer {
  return request('POST', '/graphql', { 'content-type': 'application/json' }, JSON.stringify(body));
}

/** A request with something wrong about it. */
export function oddRequest(choice: Choice, ids: readonly string[]): Buffer[] {
  const good = graphqlRequest({ query: '{ server { version } }' });
  const json = { 'content-type': 'application/json' };
  switch (choice.below(14)) {
    case 0:
      return [mutate(good, choice)];
    case 1:
      return [request(choice.of(methods), choice.of(paths(choice, ids)), choice.chance(0.5) ? json : {}, '{}')];
    case 2:
      return [
        request(
          'GET',
          mutate(Buffer.from(choice.of(paths(choice, ids))), choice)
            .toString('latin1')
            .replace(/\s/g, '%20'),
          {},
        ),
      ];
    case 3: // broken framing
      return [
        request(
          'POST',
          '/graphql',
          { ...json, 'content-length': choice.of(['-1', '1e3', '99999999999', '0x10', '5, 6', '']) },
          '{"query":"{x}"}',
        ),
      ];
    case 4: // both lengths
      return [
        Buffer.from(
          `POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n${choice.of(['0\r\n\r\n', '2\r\n{}\r\n0\r\n\r\n', 'zz\r\n', 'ffffffffffffffff\r\n{'])}`,
        ),
      ];
    case 5: // chunks
      return [
        Buffer.from(
          `POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
        ),
        ...chunked('{"query":"{ server { version } }"}', choice),
      ];
    case 6: // pipelining
      return [
        Buffer.concat(
          Array.from({ length: 2 + choice.below(20) }, () =>
            Buffer.from(good.toString('latin1').replace('connection: close', 'connection: keep-alive')),
          ),
        ),
        request('GET', '/healthz', {}),
      ];
    case 7: // headers
      return [
        request(
          'POST',
          '/graphql',
          {
            ...json,
            [choice.of([
              'x-a',
              'cookie',
              'x-request-id',
              'accept',
              'authorization',
              'if-none-match',
              'range',
              'origin',
            ])]: choice.of(headerValues),
          },
          JSON.stringify({ query: '{ server { version } }' }),
        ),
      ];
    case 8: {
      const many = Array.from({ length: choice.of([200, 3000]) }, (_, i) => [`x-${i}`, 'a'] as const);
      return [request('GET', '/healthz', Object.fromEntries(many))];
    }
    case 9: // no JSON
      return [
        request(
          'POST',
          '/graphql',
          {
            'content-type': choice.of(contentTypes),
            ...(choice.chance(0.2) && { 'content-encoding': choice.of(['gzip', 'deflate', 'br', 'nonsense']) }),
          },
          choice.of(bodies(choice)),
        ),
      ];
    case 10: // other protocols
      return [
        choice.of([
          Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
          Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
          Buffer.from('GET / HTTP/9.9\r\n\r\n'),
          Buffer.from('GET http://elsewhere.example/graphql HTTP/1.1\r\nhost: x\r\n\r\n'),
          choice.bytes(300),
        ]),
      ];
    case 11: // upgrades
      return [
        request('GET', choice.of(['/graphql', '//', '/graphql?', 'http://[', '/%', '*']), {
          connection: 'Upgrade',
          upgrade: choice.of(['websocket', 'h2c', 'x']),
          'sec-websocket-version': choice.of(['13', '8', '0']),
          'sec-websocket-key': choice.of(['dGhlIHNhbXBsZSBub25jZQ==', 'x', '']),
          'sec-websocket-protocol': choice.of(['graphql-transport-ws', 'graphql-ws', ',', 'a,a']),
        }),
      ];
    case 12: // uploads
      return [upload(choice)];
    default: // query in the path
      return [
        request(
          'GET',
          `/graphql?query=${encodeURIComponent(choice.of(['{ server { version } }', 'mutation { deleteRun(id: "x") { deletedId } }', '{']))}&variables=${choice.of(['{}', '[]', '%00', '{'])}`,
          choice.chance(0.5) ? { 'apollo-require-preflight': '1' } : {},
        ),
      ];
  }
}

const methods = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'POST', 'PROPFIND', 'QUERY'];

function paths(choice: Choice, ids: readonly string[]): string[] {
  const id = choice.of([choice.of(ids), '%00', '%2e%2e', '..', '%ff', 'a'.repeat(5000), '%F0%9F%92%A5', '-1', '%27']);
  return [
    ...[
      '/',
      '/graphql',
      '/graphiql',
      '/graphiql/graphql-ws/client.js',
      '/graphiql/../package.json',
      '/graphiql/graphql-ws/%2e%2e/%2e%2e/package.json',
    ],
    ...[
      '/healthz',
      '/readyz',
      '/version',
      '/metrics',
      '/session',
      '/uploads',
      '/theme.js',
      '*',
      '//',
      '/.git/config',
      '/graphql/',
      '/%',
    ],
    ...[`/submissions/${id}.csv`, `/prediction-sets/${id}.safetensors`, `/artifacts/${id}`],
    ...[`/images/${id}/0/thumbnail`, `/images/${id}/99999999999/thumbnail`, `/images/${id}/${id}/thumbnail`],
  ];
}

const headerValues = [
  '',
  'a'.repeat(15_000),
  '\x01',
  'é',
  'bytes=5-1',
  'text/html',
  '*/*;q=nonsense',
  'Bearer',
  'Bearer x',
  'Basic YTpi',
  ';;;=',
  'null',
  'http://[',
  'session=%00',
];
const contentTypes = [
  'application/json',
  'application/json; charset=utf-16',
  'application/json; charset=latin1',
  'application/json; charset=nonsense',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/graphql',
  'nonsense',
  '',
];

function bodies(choice: Choice): (Buffer | string)[] {
  const depth = 20_000;
  return [
    ...[
      '',
      '{',
      'null',
      '1',
      '"x"',
      '[]',
      '[{"query":"{x}"},{"query":"{x}"}]',
      '{"query":1}',
      '{"query":{"kind":"Document"}}',
      '{"query":null}',
    ],
    ...[
      '{"__proto__":{"query":"{x}"}}',
      '{"query":"{server{version}}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}',
    ],
    ...[
      '{"query":"{server{version}}","variables":[]}',
      '{"query":"{server{version}}","operationName":{}}',
      `{"query":"{server{version}}","variables":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`,
    ],
    ...[
      `{"query":"${'{a'.repeat(depth)}"}`,
      `{"query":"# ${'x'.repeat(1_200_000)}"}`,
      '\ufeff{"query":"{server{version}}"}',
      '{"query":"{server{version}}","query":"{"}',
    ],
    ...[
      Buffer.from('{"query":"{ a\xff }"}', 'latin1'),
      choice.bytes(500),
      mutate(Buffer.from('{"query":"query ($a: ID!) { run(id: $a) { id } }","variables":{"a":"x"}}'), choice),
    ],
  ];
}

function chunked(body: string, choice: Choice): Buffer[] {
  const chunks = Array.from({ length: Math.ceil(body.length / 7) }, (_, i) => body.slice(i * 7, i * 7 + 7));
  const text = `${chunks.map((chunk) => `${chunk.length.toString(16)}${choice.chance(0.1) ? `;x=${'y'.repeat(choice.below(50))}` : ''}\r\n${chunk}\r\n`).join('')}0\r\n${choice.chance(0.3) ? 'x-trailer: 1\r\n' : ''}\r\n`;
  const bytes = Buffer.from(text);
  return choice.chance(0.5) ? [bytes] : [mutate(bytes, choice)];
}

/** A form with a file, or what should be one. */
function upload(choice: Choice): Buffer {
  const file = choice.of([
    Buffer.from('PK\x03\x04'),
    Buffer.from([0x1f, 0x8b, 8, 0]),
    choice.bytes(2000),
    Buffer.alloc(0),
  ]);
  const name = choice.of(['a.zip', '../../a.zip', '\0', 'x'.repeat(3000), 'a"; filename="b', '']);
  const head = `--x\r\ncontent-disposition: form-data; name="${choice.of(['file', '', '__proto__'])}"; filename="${name}"\r\ncontent-type: application/zip\r\n\r\n`;
  const form = Buffer.concat([
    Buffer.from(head),
    file,
    Buffer.from(choice.of(['\r\n--x--\r\n', '\r\n--x', '', '\r\n--x--\r\n--x--'])),
  ]);
  const body = choice.chance(0.5) ? mutate(form, choice) : form;
  const type = choice.of([
    'multipart/form-data; boundary=x',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'application/zip',
    'application/octet-stream',
  ]);
  return request(
    choice.of(['POST', 'PUT']),
    choice.of(['/uploads', '/uploads/a.zip', '/uploads/%2e%2e', '/uploads?name=a.tar.gz']),
    { 'content-type': type },
    body,
  );
}

/** What of an answer can be judged: statuses and bodies of the answers to one exchange. */
export function statusesOf(answer: string): number[] {
  return [...answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
}
