import { bytes, duration, nothing, significant } from '../../format/numbers.ts';
import { bestOf, type ComparedRun } from './compareRuns.ts';

export interface FigureRow {
  readonly name: string;
  readonly texts: readonly string[];
  /** Places of the best. */
  readonly best: readonly number[];
}

/** What runs took: time, memory, throughput. */
export function figureRows(runs: readonly ComparedRun[]): readonly FigureRow[] {
  const row = (
    name: string,
    direction: 'ASC' | 'DESC',
    of: (run: ComparedRun) => number | null,
    format: (value: number) => string,
  ): FigureRow => {
    const values = runs.map(of);
    const texts = values.map((value) => (value === null ? nothing : format(value)));
    return { name, texts, best: bestOf(values, direction) };
  };
  return [
    row('Training time', 'ASC', ({ trainSeconds }) => trainSeconds, duration),
    row('Peak memory', 'ASC', ({ peakMemory }) => peakMemory, bytes),
    row('Images per second', 'DESC', ({ imagesPerSecond }) => imagesPerSecond, significant),
  ];
}
