/** How far an import is, in words. */

import { bytes, count } from '../../format/numbers.ts';

/** As `Dataset.importProgress` tells it. */
export interface ImportProgress {
  readonly phase: 'UNPACKING' | 'CHECKING';
  readonly attempt: number;
  readonly done: number;
  readonly total?: number | null | undefined;
  readonly rejected: number;
  readonly bytes: number;
  readonly bytesTotal?: number | null | undefined;
}

export interface ProgressInWords {
  readonly title: string;
  /** 0 to 1; null while nobody can know. */
  readonly share: number | null;
  readonly detail: string;
}

/** @param progress null before a worker has begun */
export function describeProgress(progress: ImportProgress | null | undefined): ProgressInWords {
  if (!progress) return { title: 'Waits for a worker', share: null, detail: 'Nothing has been read yet.' };
  const { phase, done, total, rejected, attempt } = progress;
  const unpacking = phase === 'UNPACKING';
  const [title, most] = unpacking ? ['Unpacking', progress.bytesTotal] : ['Checking images', total];
  const reached = unpacking ? progress.bytes : done;
  const detail = [
    (unpacking ? bytes(progress.bytes) : count(done)) + (most ? ` of ${unpacking ? bytes(most) : count(most)}` : ''),
    unpacking ? `${count(done)} files` : bytes(progress.bytes),
    rejected > 0 && `${count(rejected)} refused so far`,
    attempt > 1 && `try ${attempt}: an earlier worker was lost`,
  ];
  return {
    title,
    share: most ? Math.min(reached / most, 1) : null,
    detail: detail.filter(Boolean).join(' · '),
  };
}
