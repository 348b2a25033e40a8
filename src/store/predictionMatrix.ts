/**
 * Float32 matrices in pieces of at most 1 MiB: little-endian (as the machines we run on), row-major, whole rows only, so the
 * piece of a row follows from its number.
 */

import type { Queryable } from './queryable.ts';

const chunkValues = 2 ** 20 / Float32Array.BYTES_PER_ELEMENT;

function rowsPerChunk(columns: number): number {
  return Math.max(1, Math.floor(chunkValues / columns));
}

export async function writeMatrix(tx: Queryable, setId: string, values: Float32Array, columns: number): Promise<void> {
  const bytes = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
  const step = rowsPerChunk(columns) * columns * Float32Array.BYTES_PER_ELEMENT;
  for (let start = 0; start < bytes.length; start += step) {
    const data = bytes.subarray(start, start + step);
    await tx.predictionChunk.create({ data: { setId, position: start / step, data }, select: { setId: true } });
  }
}

/** The whole matrix, in shared memory: a thread sees it without a copy. */
export async function readMatrix(db: Queryable, setId: string): Promise<Float32Array> {
  const chunks = await db.predictionChunk.findMany({
    where: { setId },
    orderBy: { position: 'asc' },
    select: { data: true },
  });
  return joinChunks(chunks);
}

/** Rows `start` (from 0) to before `end`; only their bytes leave the database. */
export async function readMatrixRows(
  db: Queryable,
  setId: string,
  columns: number,
  start: number,
  end: number,
): Promise<Float32Array> {
  if (end <= start) return joinChunks([]);
  const perChunk = rowsPerChunk(columns);
  const rowBytes = columns * Float32Array.BYTES_PER_ELEMENT;
  const chunks = await db.$queryRaw<{ data: Uint8Array }[]>`
    select substring(data
      from greatest(${start}::int - position * ${perChunk}::int, 0) * ${rowBytes}::int + 1
      for (least(${end}::int, (position + 1) * ${perChunk}::int) - greatest(${start}::int, position * ${perChunk}::int)) * ${rowBytes}::int
    ) as data
    from prediction_chunk
    where set_id = ${setId} and position between ${Math.floor(start / perChunk)}::int and ${Math.floor((end - 1) / perChunk)}::int
    order by position`;
  return joinChunks(chunks);
}

function joinChunks(chunks: readonly { readonly data: Uint8Array }[]): Float32Array {
  const length = chunks.reduce((sum, { data }) => sum + data.byteLength, 0);
  const values = new Float32Array(new SharedArrayBuffer(length));
  const bytes = new Uint8Array(values.buffer);
  let at = 0;
  for (const { data } of chunks) {
    bytes.set(data, at);
    at += data.byteLength;
  }
  return values;
}
