import { z } from 'zod';

/** Pixels. */
export const longestSide = 4096;

const side = z.int().min(1).max(longestSide);
export const sizeSchema = z.strictObject({ height: side, width: side });

/** Pixels. Always (height, width), as the recipe writes its tuples. */
export type Size = z.infer<typeof sizeSchema>;
