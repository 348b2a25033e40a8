import type { ExperimentPageQuery } from '../../generated/operations.ts';

/** What every part of the page knows of its experiment. */
export type ExperimentHead = NonNullable<ExperimentPageQuery['experiment']>;
