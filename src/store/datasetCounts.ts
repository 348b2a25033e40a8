/** What a data set holds, counted. */

import { byCount, type ImportSeverity, type LabelCount, type ManifestImage, type Split } from '../domain/dataset.ts';
import type { Queryable } from './queryable.ts';

/** Images per split of the manifest, and TRAIN's labels. */
export interface DatasetCounts {
  readonly trainCount: number;
  readonly testCount: number;
  readonly holdoutCount: number;
  /** TRAIN's, largest first, equal counts by code point. */
  readonly labelCounts: readonly LabelCount[];
}

export interface ImageSizeCount {
  readonly width: number;
  readonly height: number;
  readonly count: number;
}

/** Images of a split that have one label; null in TEST. `dataset.image_counts` lists them. */
export interface ImageCount {
  readonly split: Split;
  readonly label: string | null;
  readonly count: number;
}

/** A manifest counted. */
export function imageCounts(images: readonly Pick<ManifestImage, 'split' | 'label'>[]): ImageCount[] {
  const counts = new Map<string, { split: Split; label: string | null; count: number }>();
  for (const { split, label } of images) {
    const key = JSON.stringify([split, label]);
    const known = counts.get(key);
    if (known) known.count++;
    else counts.set(key, { split, label, count: 1 });
  }
  return [...counts.values()];
}

/** Every id asked for is in the map. */
export async function countImages(db: Queryable, datasetIds: readonly string[]): Promise<Map<string, DatasetCounts>> {
  // A worker of an earlier version, which the migration has overtaken, does not store them.
  const rows = await db.$queryRaw<{ id: string; counts: ImageCount[] | null }[]>`
    select id, coalesce(image_counts, (
      select jsonb_agg(jsonb_build_object('split', split, 'label', label, 'count', count))
      from (select split, label, count(*) from dataset_image where dataset_id = dataset.id group by split, label) counted)) as counts
    from dataset where id = any(${[...datasetIds]}::text[])`;
  const known = new Map(rows.map(({ id, counts }) => [id, counts]));
  return new Map(datasetIds.map((id) => [id, summed(known.get(id) ?? [])]));
}

function summed(counts: readonly ImageCount[]): DatasetCounts {
  const of = (split: Split) => counts.filter((group) => group.split === split);
  const total = (split: Split) => of(split).reduce((sum, { count }) => sum + count, 0);
  const labelCounts = of('TRAIN')
    .flatMap(({ label, count }) => (label === null ? [] : [{ label, count }]))
    .sort(byCount);
  return { trainCount: total('TRAIN'), testCount: total('TEST'), holdoutCount: total('HOLDOUT'), labelCounts };
}

/** Pixels of the images of every split, most frequent first. */
export async function countImageSizes(db: Queryable, datasetId: string): Promise<ImageSizeCount[]> {
  const groups = await db.datasetImage.groupBy({ by: ['width', 'height'], where: { datasetId }, _count: true });
  return groups
    .map(({ width, height, _count: count }) => ({ width, height, count }))
    .sort((a, b) => b.count - a.count || a.width - b.width || a.height - b.height);
}

export interface ProblemCount {
  readonly datasetId: string;
  readonly severity: ImportSeverity;
  readonly count: number;
}

/** What imports did not take or remarked on, by what became of it; severities that do not occur are missing. */
export async function countProblems(db: Queryable, datasetIds: readonly string[]): Promise<ProblemCount[]> {
  const groups = await db.importProblem.groupBy({
    by: ['datasetId', 'severity'],
    where: { datasetId: { in: [...datasetIds] } },
    orderBy: [{ datasetId: 'asc' }, { severity: 'asc' }],
    _count: true,
  });
  return groups.map(({ datasetId, severity, _count: count }) => ({ datasetId, severity, count }));
}

/** Experiments per data set; data sets without any are missing from the map. */
export async function countExperiments(db: Queryable, datasetIds: readonly string[]): Promise<Map<string, number>> {
  const groups = await db.experiment.groupBy({
    by: ['datasetId'],
    where: { datasetId: { in: [...datasetIds] } },
    _count: true,
  });
  return new Map(groups.map(({ datasetId, _count: count }) => [datasetId!, count]));
}

/** Whether a split of the manifest has any image. */
export async function hasImages(db: Queryable, datasetId: string, split: Split): Promise<boolean> {
  return (await db.datasetImage.findFirst({ where: { datasetId, split }, select: { position: true } })) !== null;
}
