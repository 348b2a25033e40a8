/** The filter language of runs: `arch like vit* and status = SUCCEEDED`. */

import type { RunKind, RunStatus } from './run.ts';
import type { TrainingConfig } from './trainingConfig.ts';

/** What a filter looks at. */
export interface RunFacts {
  readonly name: string;
  readonly kind: RunKind;
  readonly status: RunStatus;
  readonly tags: readonly string[];
  readonly config: Pick<TrainingConfig, 'architecture' | 'size' | 'itemTransform' | 'accumulation' | 'epochs'>;
  readonly sweep: { readonly id: string; readonly name: string } | null;
  /** Best finite value per metric name, direction by `directionOf`. */
  readonly metrics: ReadonlyMap<string, number>;
}

export interface Filter {
  readonly kind: 'and' | 'or' | 'not' | 'compare';
}

/** @throws UserInputError INVALID on `path` that tells the position (from 1) and what was expected there. */
export declare function parseFilter(text: string, path?: readonly string[]): Filter;
export declare function matches(filter: Filter, run: RunFacts): boolean;
