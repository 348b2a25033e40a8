import { routes } from '../../routes.ts';

/** What the manifest has; VALID is drawn by each run out of TRAIN. */
export type StoredSplit = 'TRAIN' | 'HOLDOUT' | 'TEST';

/** The images of a split, or those of one class of it. */
export function imagesLink(datasetId: string, split: StoredSplit, label?: string): string {
  const search = new URLSearchParams({ view: 'images', ...(split !== 'TRAIN' && { split }) });
  if (label !== undefined) search.set('label', label);
  return `${routes.dataset(datasetId)}?${search}`;
}

export function problemsLink(datasetId: string): string {
  return `${routes.dataset(datasetId)}?view=problems`;
}
