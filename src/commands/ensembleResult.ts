/** What an ensemble predicts: computed from stored predictions when asked, never by re-running a model. */

import type { LabelCount, Split } from '../domain/dataset.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Score } from '../ensembles/score.ts';
import type { PredictionRow } from '../store/prediction.ts';

export type PredictionOrder = 'IMAGE_ID' | 'CONFIDENCE_ASC' | 'CONFIDENCE_DESC';

export interface ResultMember {
  readonly runId: string;
  readonly weight: number;
  /** weight / sum of weights. */
  readonly share: number;
  readonly predictionSetId: string;
}

export interface DisagreementRow {
  readonly row: PredictionRow;
  /** Labels by the number of members that put them first, most votes first. */
  readonly memberVotes: readonly LabelCount[];
}

/** Methods compute when called and remember; a page in IMAGE_ID order reads only its own rows. */
export interface EnsembleResult {
  readonly split: Split;
  readonly rowCount: number;
  readonly vocab: readonly string[];
  readonly members: readonly ResultMember[];
  labelCounts(): Promise<LabelCount[]>;
  rows(page: PageRequest, orderBy?: PredictionOrder): Promise<Page<PredictionRow>>;
  /** Rows where members disagree most, at most `limit`; rows all members agree on are left out. */
  disagreement(limit?: number): Promise<DisagreementRow[]>;
  /** null when the split has no labels. */
  score(): Promise<Score | null>;
  /** `image_id,label`, in the stored order of the rows. */
  csv(): Promise<string>;
}
