/** A data set: a manifest of images with labels and splits. Bytes stay where they were imported from. */

export type Split = 'TRAIN' | 'VALID' | 'TEST' | 'HOLDOUT';
export type DatasetStatus = 'IMPORTING' | 'READY' | 'FAILED' | 'CANCELED';
/** Why no runs can have a data set whose import has ended; null when it is READY, or may yet become it. */
export function unusableReason(dataset: {
  readonly status: DatasetStatus;
  readonly failure: string | null;
}): string | null {
  switch (dataset.status) {
    case 'FAILED':
      return `failed to import (${dataset.failure}); mend that, and retryImport tries again`;
    case 'CANCELED':
      return 'was not imported to its end: its import was canceled; retryImport begins again';
    default:
      return null;
  }
}

export type ImportSeverity = 'REJECTED' | 'SKIPPED' | 'WARNING';

/** One image of the manifest. A data set stores TRAIN, TEST and HOLDOUT; VALID is drawn by each run out of TRAIN. */
export interface ManifestImage {
  /** The competition's name for it: the file name, unique within its split (`100015.jpg`). */
  readonly imageId: string;
  readonly split: Split;
  /** Relative to the data set's root, `/` between parts. */
  readonly path: string;
  /** null in TEST. */
  readonly label: string | null;
  /** Pixels after EXIF orientation. */
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  /** SHA-256 of the file, lower-case hexadecimal. */
  readonly contentHash: string;
}

/** What the importer did not take, or took with a remark. `path` is relative to the data set's root (or `train.csv:17`). */
export interface ImportProblem {
  readonly path: string;
  readonly reason: string;
  readonly severity: ImportSeverity;
}

export type ImportPhase = 'UNPACKING' | 'CHECKING';

/** How far an import is. */
export interface ImportProgress {
  readonly phase: ImportPhase;
  /** Number of the attempt: 1, 2, … */
  readonly attempt: number;
  /** Files of the archive unpacked, or images looked at, in this phase. */
  readonly done: number;
  /** Null while unpacking, which finds out. */
  readonly total: number | null;
  /** Files refused so far in this phase. */
  readonly rejected: number;
  /** Bytes of the archive, or of images, read in this phase. */
  readonly bytes: number;
  /** Size of the archive; null while checking, where reading tells. */
  readonly bytesTotal: number | null;
}

/** What an import of a folder hands over: the whole manifest, or a refusal instead. */
export interface ImportResult {
  /** Splits in the order TRAIN, TEST, HOLDOUT, then path order; TEST in the order of sample_submission.csv where there is one. */
  readonly images: readonly ManifestImage[];
  readonly problems: readonly ImportProblem[];
  /** Labels in code point order. */
  readonly vocab: readonly string[];
  /** SHA-256 over split, label, id and content hash of every image in manifest order, lower-case hexadecimal. */
  readonly contentHash: string;
}

export interface LabelCount {
  readonly label: string;
  readonly count: number;
}

/** Byte-wise order of UTF-8, which is code point order: what Python's `sorted` gives for strings. */
export function compareCodePoints(a: string, b: string): number {
  const x = [...a];
  const y = [...b];
  for (let i = 0; i < x.length && i < y.length; i++) {
    const difference = x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!;
    if (difference) return difference;
  }
  return x.length - y.length;
}

/** Labels with their counts, largest first, equal counts by code point (pandas' value_counts). */
export function countLabels(labels: Iterable<string>): LabelCount[] {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => ({ label, count })).sort(byCount);
}

/** Largest first, equal counts by code point. */
export function byCount(a: LabelCount, b: LabelCount): number {
  return b.count - a.count || compareCodePoints(a.label, b.label);
}

/** What memory probes train on: the label with fewest images, which is the last one in the order of `byCount`. */
export function smallestLabel(counts: readonly LabelCount[]): LabelCount | null {
  return counts.at(-1) ?? null;
}

/** Distinct labels in code point order: the vocabulary. */
export function vocabularyOf(labels: Iterable<string>): string[] {
  return [...new Set(labels)].sort(compareCodePoints);
}
