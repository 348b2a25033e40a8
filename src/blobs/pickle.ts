/**
 * Python's pickle format as data. Python's own reader calls whatever a pickle names; this one calls nothing: a pickle may name
 * only what `PickleNames` knows, and everything else is refused by its name.
 */

import { TensorFileError } from './tensorFile.ts';

/** A dictionary is a Map, a list an array, a tuple a PickleTuple; what a name or a call stands for is up to PickleNames. */
export type PickleValue = unknown;

/** Python's tuple, which unlike its list may be called with. */
export class PickleTuple {
  readonly items: readonly PickleValue[];
  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** What a name of the pickle stands for where it is called. */
export type PickleFunction = (args: readonly PickleValue[]) => PickleValue;

export interface PickleNames {
  /** The value of `module.name`: a PickleFunction where it may be called. Undefined: refused. */
  find(module: string, name: string): PickleValue | undefined;
  /** What lies outside the pickle under `id`. */
  load(id: PickleValue): PickleValue;
}

/**
 * The first pickle in `bytes` and where it ends. It takes at most one step per byte, without recursion, so it always ends. Protocols
 * 2 to 5, as far as they hold data.
 * @throws TensorFileError naming what is refused or malformed
 */
export function readPickle(bytes: Buffer, names: PickleNames): { readonly value: PickleValue; readonly end: number } {
  return new Unpickler(bytes, names).run();
}

/** Marks on the stack, where a group of items begins. */
const mark = Symbol('mark');
const stop = 0x2e;

class Unpickler {
  readonly #bytes: Buffer;
  readonly #names: PickleNames;
  #at = 0;
  readonly #stack: PickleValue[] = [];
  readonly #memo = new Map<number, PickleValue>();

  constructor(bytes: Buffer, names: PickleNames) {
    this.#bytes = bytes;
    this.#names = names;
  }

  run(): { value: PickleValue; end: number } {
    for (;;) {
      const code = this.uint(1);
      if (code === stop) return { value: this.pop(), end: this.#at };
      const instruction = instructions.get(code);
      if (!instruction) {
        throw new TensorFileError(
          `the pickle has the instruction 0x${code.toString(16).padStart(2, '0')} at byte ${this.#at - 1}, which no file of plain weights needs`,
        );
      }
      instruction(this);
    }
  }

  take(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) throw new TensorFileError('the pickle ends early');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  uint(bytes: 1 | 2 | 4): number {
    return this.take(bytes).readUIntLE(0, bytes);
  }

  text(length: number): string {
    return this.take(length).toString('utf8');
  }

  /** Up to the next line feed. */
  line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) throw new TensorFileError('the pickle ends early');
    const line = this.text(end - this.#at);
    this.#at++;
    return line;
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || value === mark) throw new TensorFileError('the pickle takes a value that is not there');
    return value;
  }

  pop(): PickleValue {
    const value = this.top();
    this.#stack.pop();
    return value;
  }

  /** The topmost, in the order they were pushed. */
  popSome(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  /** Everything above the last mark, which goes too. */
  popMarked(): PickleValue[] {
    const at = this.#stack.lastIndexOf(mark);
    if (at < 0) throw new TensorFileError('the pickle has a group without its beginning');
    return this.#stack.splice(at).slice(1);
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw new TensorFileError('the pickle appends to something that is no list');
    for (const item of items) list.push(item);
  }

  set(items: readonly PickleValue[]): void {
    const dictionary = this.top();
    if (!(dictionary instanceof Map)) {
      throw new TensorFileError('the pickle sets a key of something that is no dictionary');
    }
    setAll(dictionary, items);
  }

  remember(index: number = this.#memo.size): void {
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined)
      throw new TensorFileError(`the pickle recalls value ${index}, which it has not remembered`);
    this.push(value);
  }

  find(module: string, name: string): void {
    const value = this.#names.find(module, name);
    if (value === undefined) {
      throw new TensorFileError(
        `the pickle asks for ${JSON.stringify(`${module}.${name}`)}, which is refused: only tensors in plain dictionaries are read`,
      );
    }
    this.push(value);
  }

  /** What lies outside under the id on the stack. */
  load(): void {
    this.push(this.#names.load(this.pop()));
  }

  call(): void {
    const [called, args] = this.popSome(2);
    if (typeof called !== 'function' || !(args instanceof PickleTuple)) {
      throw new TensorFileError('the pickle calls something that cannot be called');
    }
    this.push((called as PickleFunction)(args.items));
  }

  /** Attributes of an object. Dictionaries of parameters have some (`_metadata`), which nobody needs. */
  build(): void {
    this.pop();
    if (!(this.top() instanceof Map)) {
      throw new TensorFileError('the pickle sets attributes of something that is no dictionary');
    }
  }
}

/** By opcode. */
const instructions: ReadonlyMap<number, (pickle: Unpickler) => void> = new Map<number, (pickle: Unpickler) => void>([
  [0x80, (p) => requireProtocol(p.uint(1))], // PROTO
  [0x95, (p) => p.take(8)], // FRAME: its length
  [0x28, (p) => p.push(mark)], // MARK
  [0x30, (p) => p.pop()], // POP
  [0x31, (p) => p.popMarked()], // POP_MARK
  [0x4e, (p) => p.push(null)], // NONE
  [0x88, (p) => p.push(true)], // NEWTRUE
  [0x89, (p) => p.push(false)], // NEWFALSE
  [0x4a, (p) => p.push(p.take(4).readInt32LE())], // BININT
  [0x4b, (p) => p.push(p.uint(1))], // BININT1
  [0x4d, (p) => p.push(p.uint(2))], // BININT2
  [0x8a, (p) => p.push(integer(p.take(p.uint(1))))], // LONG1
  [0x47, (p) => p.push(p.take(8).readDoubleBE())], // BINFLOAT
  [0x55, (p) => p.push(p.text(p.uint(1)))], // SHORT_BINSTRING
  [0x54, (p) => p.push(p.text(p.uint(4)))], // BINSTRING
  [0x8c, (p) => p.push(p.text(p.uint(1)))], // SHORT_BINUNICODE
  [0x58, (p) => p.push(p.text(p.uint(4)))], // BINUNICODE
  [0x43, (p) => p.push(p.take(p.uint(1)))], // SHORT_BINBYTES
  [0x42, (p) => p.push(p.take(p.uint(4)))], // BINBYTES
  [0x5d, (p) => p.push([])], // EMPTY_LIST
  [0x7d, (p) => p.push(new Map())], // EMPTY_DICT
  [0x29, (p) => p.push(new PickleTuple([]))], // EMPTY_TUPLE
  [0x85, (p) => p.push(new PickleTuple(p.popSome(1)))], // TUPLE1
  [0x86, (p) => p.push(new PickleTuple(p.popSome(2)))], // TUPLE2
  [0x87, (p) => p.push(new PickleTuple(p.popSome(3)))], // TUPLE3
  [0x74, (p) => p.push(new PickleTuple(p.popMarked()))], // TUPLE
  [0x6c, (p) => p.push(p.popMarked())], // LIST
  [0x64, (p) => p.push(setAll(new Map(), p.popMarked()))], // DICT
  [0x61, (p) => p.append(p.popSome(1))], // APPEND
  [0x65, (p) => p.append(p.popMarked())], // APPENDS
  [0x73, (p) => p.set(p.popSome(2))], // SETITEM
  [0x75, (p) => p.set(p.popMarked())], // SETITEMS
  [0x71, (p) => p.remember(p.uint(1))], // BINPUT
  [0x72, (p) => p.remember(p.uint(4))], // LONG_BINPUT
  [0x94, (p) => p.remember()], // MEMOIZE
  [0x68, (p) => p.recall(p.uint(1))], // BINGET
  [0x6a, (p) => p.recall(p.uint(4))], // LONG_BINGET
  [0x63, (p) => p.find(p.line(), p.line())], // GLOBAL
  [0x93, (p) => p.find(...(p.popSome(2).map(requireText) as [string, string]))], // STACK_GLOBAL
  [0x52, (p) => p.call()], // REDUCE
  [0x81, (p) => p.call()], // NEWOBJ
  [0x62, (p) => p.build()], // BUILD
  [0x51, (p) => p.load()], // BINPERSID
]);

function requireProtocol(protocol: number): void {
  if (protocol > 5) throw new TensorFileError(`pickle protocol ${protocol} is not known`);
}

function requireText(value: PickleValue): string {
  if (typeof value === 'string') return value;
  throw new TensorFileError('the pickle names something by a value that is no text');
}

/** Sets [key, value, key, value …]. */
function setAll(
  dictionary: Map<PickleValue, PickleValue>,
  items: readonly PickleValue[],
): Map<PickleValue, PickleValue> {
  if (items.length % 2) throw new TensorFileError('the pickle has a key without its value');
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i];
    if (Array.isArray(key) || key instanceof Map)
      throw new TensorFileError('the pickle has a list or dictionary as a key');
    dictionary.set(key, items[i + 1]);
  }
  return dictionary;
}

/** Two's complement, little-endian. */
function integer(bytes: Buffer): number | bigint {
  let value = 0n;
  for (const [i, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * i);
  const signed = BigInt.asIntN(8 * bytes.length, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}
