/** WebSocket frames and messages of graphql-transport-ws, as clients should not send them. */

import { type Choice, mutate } from './random.ts';

/** The handshake of a socket. */
export function upgrade(): Buffer {
  return Buffer.from(
    [
      'GET /graphql HTTP/1.1',
      'host: localhost',
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol: graphql-transport-ws\r\n\r\n',
    ].join('\r\n'),
  );
}

interface FrameOptions {
  readonly opcode?: number;
  readonly final?: boolean;
  readonly masked?: boolean;
  readonly reserved?: number;
  /** Said instead of the true length. */
  readonly length?: number;
}

export function frame(payload: Buffer | string, options: FrameOptions = {}): Buffer {
  const { opcode = 1, final = true, masked = true, reserved = 0 } = options;
  const bytes = Buffer.from(payload);
  const length = options.length ?? bytes.length;
  const head = [(final ? 0x80 : 0) | (reserved << 4) | opcode];
  const mark = masked ? 0x80 : 0;
  if (length < 126) head.push(mark | length);
  else if (length < 65_536) head.push(mark | 126, length >> 8, length & 255);
  else {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(BigInt(length));
    head.push(mark | 127, ...wide);
  }
  const mask = Buffer.from([1, 2, 3, 4]);
  return Buffer.concat([
    Buffer.from(head),
    ...(masked ? [mask, Buffer.from(bytes.map((byte, i) => byte ^ mask[i % 4]!))] : [bytes]),
  ]);
}

const text = (message: unknown) => frame(JSON.stringify(message));
const init = text({ type: 'connection_init' });

/** What is sent over one socket after its handshake. `operation`: what a subscribe message carries. */
export function conversation(choice: Choice, operation: () => object): Buffer[] {
  const subscribe = (id: unknown = String(choice.below(3))) => text({ id, type: 'subscribe', payload: operation() });
  switch (choice.below(12)) {
    case 0: // as it should be
      return [init, subscribe('1'), subscribe('2'), text({ id: '1', type: 'complete' })];
    case 1: // before it is opened
      return [subscribe(), init];
    case 2: // twice
      return [init, choice.of([init, subscribe('1')]), subscribe('1')];
    case 3:
      return [init, ...Array.from({ length: 3 + choice.below(20) }, () => subscribe(String(choice.below(1000))))];
    case 4:
      return [init, mutate(subscribe(), choice), subscribe()];
    case 5:
      return [init, text(choice.of(messages)), subscribe()];
    case 6: // opcodes and reserved bits
      return [
        init,
        frame(choice.bytes(choice.below(200)), {
          opcode: choice.below(16),
          reserved: choice.chance(0.3) ? choice.below(8) : 0,
        }),
      ];
    case 7: // fragments
      return [
        init,
        frame('{"type":', { final: false }),
        ...(choice.chance(0.5) ? [frame('x', { opcode: 9 })] : []),
        frame('"ping"}', { opcode: choice.of([0, 0, 1]) }),
        frame('', { opcode: 0, final: false }),
      ];
    case 8: // masks
      return [init, frame('{"type":"ping"}', { masked: false })];
    case 9: // lengths
      return [init, frame('x', { length: choice.of([0, 126, 65_536, 2 ** 31, 2 ** 53]) })];
    case 10: // control frames
      return [
        init,
        frame(choice.bytes(choice.of([0, 1, 2, 125, 126])), {
          opcode: choice.of([8, 9, 10]),
          final: choice.chance(0.9),
        }),
        subscribe(),
      ];
    default: // text that is none
      return [
        init,
        choice.of([
          frame(Buffer.from([0xff, 0xfe])),
          frame(choice.bytes(50)),
          frame(choice.bytes(50), { opcode: 2 }),
          frame('['.repeat(50_000)),
          frame('x'.repeat(1_100_000)),
          text({ type: 'connection_init', payload: { a: 'x'.repeat(900_000) } }),
        ]),
      ];
  }
}

const messages: readonly unknown[] = [
  ...[
    null,
    1,
    [],
    {},
    { type: 'nonsense' },
    { type: 'ping', payload: 1 },
    { type: 'ping', payload: { a: 1 } },
    { type: 'pong' },
  ],
  ...[
    { type: 'next', id: '1', payload: {} },
    { type: 'error', id: '1', payload: [] },
    { type: 'connection_ack' },
    { type: 'complete', id: 'none' },
    { type: 'complete' },
  ],
  ...[
    { type: 'subscribe', id: 1, payload: {} },
    { type: 'subscribe', id: '', payload: { query: '{x}' } },
    { type: 'subscribe', id: '1' },
    { type: 'subscribe', id: '1', payload: { query: 1 } },
  ],
  ...[
    { type: 'subscribe', id: '__proto__', payload: { query: '{ server { version } }' } },
    { type: 'subscribe', id: '1', payload: { query: '{ server { version } }', variables: 1 } },
  ],
  ...[
    { type: 'subscribe', id: 'c', payload: { query: '{ server { version } }', operationName: 'x', extensions: 1 } },
    { type: 'connection_init', payload: 1 },
    { type: 'connection_init', payload: { authorization: {} } },
  ],
];

/** The text of messages that the server sent after its handshake, as far as frames can be told apart; close frames as `CLOSE code reason`. */
export function messagesOf(answer: string): string[] {
  const end = answer.indexOf('\r\n\r\n');
  if (!answer.startsWith('HTTP/1.1 101') || end < 0) return [];
  const bytes = Buffer.from(answer.slice(end + 4), 'latin1');
  const found: string[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const opcode = bytes[at]! & 15;
    let length = bytes[at + 1]! & 127;
    let start = at + 2;
    if (length === 126) {
      if (start + 2 > bytes.length) break;
      length = bytes.readUInt16BE(start);
      start += 2;
    } else if (length === 127) {
      if (start + 8 > bytes.length) break;
      length = Number(bytes.readBigUInt64BE(start));
      start += 8;
    }
    const payload = bytes.subarray(start, start + length);
    if (opcode === 8 && length >= 2)
      found.push(`CLOSE ${payload.readUInt16BE(0)} ${payload.subarray(2).toString('utf8')}`);
    else if (opcode === 1) found.push(payload.toString('utf8'));
    at = start + length;
  }
  return found;
}
