/**
 * Just enough of a WebAssembly assembler to write kernels as expressions: every operation is a function from the code of
 * its operands to code, so `f64.add(x.get, y.get)` reads as it computes. Opcodes are those of the WebAssembly 2.0
 * specification (chapter 5, binary format).
 */

/** Instructions, encoded; as an operand: code that leaves one value. */
export type Code = readonly number[];
export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

export interface Local {
  readonly get: Code;
  set(value: Code): Code;
}

const typeCodes: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Unsigned LEB128. */
function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest);
  return bytes;
}

/** Signed LEB128. */
function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && !(low & 0x40)) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

const unary = (...opcode: number[]) => {
  return (a: Code): Code => [...a, ...opcode];
};
const binary = (...opcode: number[]) => {
  return (a: Code, b: Code): Code => [...a, ...b, ...opcode];
};
/** A load at `address + offset`; alignment is only a hint and left at 1. */
const load = (...opcode: number[]) => {
  return (address: Code, offset = 0): Code => [...address, ...opcode, 0, ...unsigned(offset)];
};
const store = (...opcode: number[]) => {
  return (address: Code, value: Code, offset = 0): Code => [...address, ...value, ...opcode, 0, ...unsigned(offset)];
};
const simd = (opcode: number): [number, ...Code] => [0xfd, ...unsigned(opcode)];
/** Stores the lowest lane only. */
const storeLane = (opcode: number) => {
  return (address: Code, value: Code): Code => [...address, ...value, ...simd(opcode), 0, 0, 0];
};

const extractLane = (opcode: number) => {
  return (a: Code, lane: number): Code => [...a, ...simd(opcode), lane];
};

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: binary(0x6a),
  mul: binary(0x6c),
  and: binary(0x71),
  shl: binary(0x74),
  lessThan: binary(0x48),
  isZero: unary(0x45),
  load: load(0x28),
  fromF64: unary(0xaa),
};

export const f32 = {
  const: (value: number): Code => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)],
};

export const f64 = {
  const: (value: number): Code => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)],
  add: binary(0xa0),
  mul: binary(0xa2),
  div: binary(0xa3),
};

export const v128 = {
  const: (bytes: readonly number[]): Code => [...simd(12), ...bytes],
  load: load(...simd(0)),
  /** 8 bytes, widened to unsigned 16 bits. */
  load8x8: load(...simd(2)),
  load32Splat: load(...simd(9)),
  load32Zero: load(...simd(92)),
  store: store(...simd(11)),
  store32: storeLane(90),
  store64: storeLane(91),
  i32Splat: unary(...simd(17)),
  f32Splat: unary(...simd(19)),
  f64Splat: unary(...simd(20)),
  laneI32: extractLane(27),
  laneF32: extractLane(31),
  replaceF64: (a: Code, lane: number, value: Code): Code => [...a, ...value, ...simd(34), lane],
  /** Byte i of the result is byte index[i] of a, 0 where the index is above 15. */
  swizzle: binary(...simd(14)),
  and: binary(...simd(78)),
  /** 1 when no 64-bit lane is 0. */
  allTrueI64: unary(...simd(195)),
  widenLow16: unary(...simd(169)),
  widenHigh16: unary(...simd(170)),
  /** Two vectors of 32-bit integers to 16 bits, saturating. */
  narrow32: binary(...simd(133)),
  /** Two vectors of 16-bit integers to unsigned bytes, saturating. */
  narrow16: binary(...simd(102)),
  addI32: binary(...simd(174)),
  subI32: binary(...simd(177)),
  mulI32: binary(...simd(181)),
  shiftLeftI32: binary(...simd(171)),
  /** Keeps the sign. */
  shiftRightI32: binary(...simd(172)),
  f32FromI32: unary(...simd(250)),
  i32FromF32: unary(...simd(248)),
  /** Rounds to integers, halves to even. */
  nearestF32: unary(...simd(106)),
  addF32: binary(...simd(228)),
  subF32: binary(...simd(229)),
  mulF32: binary(...simd(230)),
  divF32: binary(...simd(231)),
  /** b < a ? b : a, one instruction. */
  minF32: binary(...simd(234)),
  /** a < b ? b : a. */
  maxF32: binary(...simd(235)),
  /** The low two lanes; the others are 0. */
  f32FromF64: unary(...simd(94)),
  /** Truncates. */
  i32FromF64: unary(...simd(252)),
  f64FromI32: unary(...simd(254)),
  notEqualF64: binary(...simd(72)),
  lessThanF64: binary(...simd(73)),
  atLeastF64: binary(...simd(76)),
  floorF64: unary(...simd(117)),
  absF64: unary(...simd(236)),
  addF64: binary(...simd(240)),
  subF64: binary(...simd(241)),
  mulF64: binary(...simd(242)),
  divF64: binary(...simd(243)),
  /** b < a ? b : a. */
  minF64: binary(...simd(246)),
};

export const block = (...body: Code[]): Code => body.flat();

export const when = (condition: Code, ...body: Code[]): Code => [...condition, 0x04, 0x40, ...body.flat(), 0x0b];

/**
 * Repeats the body while the condition holds; it is checked before each round. Written as a check before the first round
 * and one after each: V8 takes constants out of such a loop, but not out of one that is left from its top.
 */
export const loopWhile = (condition: Code, ...body: Code[]): Code =>
  when(condition, [0x03, 0x40, ...body.flat(), ...condition, 0x0d, 0, 0x0b]);

export interface Kernel {
  readonly params: readonly ValueType[];
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/** A function without result: `build` gets its parameters by name and a maker of further locals. */
export function kernel<P extends Readonly<Record<string, ValueType>>>(
  params: P,
  build: (param: { readonly [K in keyof P]: Local }, local: (type: ValueType) => Local) => Code,
): Kernel {
  const types = Object.values(params);
  const locals: ValueType[] = [];
  const at = (index: number): Local => ({
    get: [0x20, ...unsigned(index)],
    set: (value) => [...value, 0x21, ...unsigned(index)],
  });
  const named = Object.fromEntries(Object.keys(params).map((name, i) => [name, at(i)])) as { [K in keyof P]: Local };
  const body = build(named, (type) => at(types.length + locals.push(type) - 1));
  return { params: types, locals, body };
}

/** A module that imports its memory as `env.memory` and exports the kernels by name. */
export function assemble(kernels: Readonly<Record<string, Kernel>>): Uint8Array<ArrayBuffer> {
  const list = Object.entries(kernels);
  const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
  const sized = (bytes: Code): Code => [...unsigned(bytes.length), ...bytes];
  const name = (text: string): Code => sized([...Buffer.from(text)]);
  const section = (id: number, items: readonly Code[]): Code => [id, ...sized(vector(items))];
  const types = list.map(([, { params }]): Code => [0x60, ...vector(params.map((type) => [typeCodes[type]])), 0]);
  const memory: Code = [...name('env'), ...name('memory'), 0x02, 0x00, 1];
  const exports = list.map(([key], i): Code => [...name(key), 0x00, ...unsigned(i)]);
  const codes = list.map(([, { locals, body }]): Code => {
    return sized([...vector(locals.map((type) => [1, typeCodes[type]])), ...body, 0x0b]);
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(2, [memory]),
    ...section(
      3,
      list.map((_, i) => unsigned(i)),
    ),
    ...section(7, exports),
    ...section(10, codes),
  ]);
}
