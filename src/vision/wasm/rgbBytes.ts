import { type Code, v128 } from './assembler.ts';

/** Byte b to the lowest byte of lane b; indices above 15 give zeros. */
const spread = v128.const(Array.from({ length: 16 }, (_, i) => (i % 4 === 0 && i < 12 ? i / 4 : 255)));

/** The three bytes at an address as 32-bit integers; the fourth is 0. */
export const loadRgb = (address: Code): Code => v128.swizzle(v128.load32Zero(address), spread);
