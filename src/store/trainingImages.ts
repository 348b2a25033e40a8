/** Training images as a split is drawn from them. */

import { Prisma } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';

/**
 * Places of the images of `labels` among all training images of the labels of `among` (null: all labels), in code point order of their
 * ids, from 0.
 */
export async function findPlaces(
  db: Queryable,
  datasetId: string,
  { among, labels }: { readonly among: readonly string[] | null; readonly labels: readonly string[] },
): Promise<Map<string, number[]>> {
  const chosen = among ? Prisma.sql`and label = any(${[...among]}::text[])` : Prisma.empty;
  const rows = await db.$queryRaw<{ label: string; places: number[] }[]>`
    select label, array_agg(place) as places from (
      select label, (row_number() over (order by image_id collate "C") - 1)::int as place
      from dataset_image where dataset_id = ${datasetId} and split = 'TRAIN' and label is not null ${chosen}
    ) images where label = any(${[...labels]}::text[]) group by label`;
  return new Map(rows.map(({ label, places }) => [label, places]));
}
