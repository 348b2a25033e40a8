import { z } from 'zod';

const side = z.int().min(1).max(4096);
export const sizeSchema = z.strictObject({ height: side, width: side });

/** Pixels. Always (height, width), as the recipe writes its tuples. */
export type Size = z.infer<typeof sizeSchema>;
