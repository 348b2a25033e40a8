/** What an ensemble predicts: computed from stored predictions when asked, never by running a model again. */

import type { LabelCount, Split } from '../domain/dataset.ts';
import type { PageRequest } from '../domain/page.ts';
import { checkSameRows, type ProbabilityTable } from '../ensembles/combine.ts';
import { byDispute, type Disagreement } from '../ensembles/disagreement.ts';
import type { EnsembleMethod } from '../ensembles/methods.ts';
import { needsLabels, needsProbabilities, type RowChoice } from '../ensembles/rows.ts';
import type { Score } from '../ensembles/score.ts';
import { refuse } from '../errors.ts';
import { findDifferingSets } from '../store/ensembleRun.ts';
import { type PredictionRow, predictionRow, readImageIds, readPredictions } from '../store/prediction.ts';
import { readMatrixRows } from '../store/predictionMatrix.ts';
import { findLabels, findTruth, locateImages } from '../store/predictionTruth.ts';
import type { Queryable } from '../store/queryable.ts';
import type { CommandContext } from './context.ts';
import { checkMemory, type Member } from './ensembleMembers.ts';
import { type PredictionRowPage, pageOfRows, rowCursor } from './predictionRows.ts';

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

/** Methods compute when called, in a thread; what is combined is remembered. A page of all rows in IMAGE_ID order reads only its own where they are stored so. */
export interface EnsembleResult {
  readonly split: Split;
  readonly rowCount: number;
  readonly vocab: readonly string[];
  /** By weight, largest first. */
  readonly members: readonly ResultMember[];
  /** How often each label is predicted, largest first. */
  labelCounts(): Promise<LabelCount[]>;
  /** At most 1000 at a time. */
  rows(page: PageRequest, choice?: RowChoice): Promise<PredictionRowPage>;
  /** Rows where members disagree most, at most `limit`; rows all members agree on are left out. */
  disagreement(limit?: number): Promise<DisagreementRow[]>;
  /** null when there are no rows, or the split has no labels or other ones than the members know. */
  score(): Promise<Score | null>;
  /** `image_id,label` in the stored order of the rows. */
  csv(): Promise<string>;
}

/** Rows `start` to before `end`. */
interface Block {
  readonly start: number;
  readonly end: number;
}

type Visit = (block: Block, matrices: readonly Float32Array[], combined: ProbabilityTable) => Promise<void>;

/** float32 values of all members that are in memory at once: 64 MiB. What has no more is read once and kept. */
const mostAtOnce = 2 ** 24;

/** All rows; `values`: those of one row, of all members; `most`: those of a block. */
function blocksOf(rows: number, values: number, most: number): Block[] {
  const size = Math.max(1, Math.floor(most / Math.max(1, values)));
  const count = Math.max(1, Math.ceil(rows / size));
  return Array.from({ length: count }, (_, i) => ({ start: i * size, end: Math.min(rows, (i + 1) * size) }));
}

/**
 * The result of members over one split. Their matrices are combined in blocks of rows: only the combined one is ever whole in memory,
 * where all of them together are large.
 * @param atOnce float32 values of all members to have in memory at once
 * @throws UserInputError INCOMPATIBLE that names two runs and the first row or label they differ in; LIMIT_EXCEEDED
 */
export async function createEnsembleResult(
  { db: { prisma: db }, threads }: Pick<CommandContext, 'db' | 'threads'>,
  split: Split,
  method: EnsembleMethod,
  members: readonly Member[],
  atOnce = mostAtOnce,
): Promise<EnsembleResult> {
  checkMemory(members);
  await checkComparable(db, members);
  const { setId, runId, rowCount, vocab } = members[0]!;
  const columns = vocab.length;
  const total = members.reduce((sum, { weight }) => sum + weight, 0);

  /** Combines whole tables, or the same slice of each. */
  const combine = (imageIds: readonly string[], matrices: readonly Float32Array[]): Promise<ProbabilityTable> =>
    threads.run(
      'combine',
      method,
      members.map(({ name, weight }, i) => ({ name, weight, vocab, imageIds, probabilities: matrices[i]! })),
    );
  const imageIds = remembered(() => readImageIds(db, setId));
  const readRows = (start: number, end: number) =>
    inTurn(members, async (member) => {
      const values = await readMatrixRows(db, member.setId, columns, start, end);
      if (values.length === (end - start) * columns) return values;
      throw refuse('CONFLICT', `the predictions of ${member.name} were removed in the meantime; try again`);
    });
  const blocks = blocksOf(rowCount, members.length * columns, atOnce);
  const everything = remembered(() => inTurn(members, (member) => readPredictions(db, member.setId)));
  const matricesOf = ({ start, end }: Block) => (blocks.length === 1 ? everything() : readRows(start, end));
  const valuesOf = ({ probabilities }: ProbabilityTable, { start, end }: Block) =>
    probabilities.subarray(start * columns, end * columns);
  /** Who sees the matrices of every block, and what they are combined to, as they are read; null when it is too late for that. */
  let visitors: Visit[] | null = blocks.length > 1 ? [] : null;
  const whole = remembered(async (): Promise<ProbabilityTable> => {
    const ids = await imageIds();
    if (!visitors) return combine(ids, await everything());
    const visits = visitors;
    visitors = null;
    const probabilities = new Float32Array(new SharedArrayBuffer(rowCount * columns * Float32Array.BYTES_PER_ELEMENT));
    const table = { vocab, imageIds: ids, probabilities };
    for (const block of blocks) {
      const matrices = await matricesOf(block);
      const part = await combine(ids.slice(block.start, block.end), matrices);
      valuesOf(table, block).set(part.probabilities);
      for (const visit of visits) await visit(block, matrices, part);
    }
    return table;
  });

  async function chosenRows(choice: RowChoice): Promise<number[]> {
    const ids = await imageIds();
    const labels = needsLabels(choice) ? await findLabels(db, { runId, split, imageIds: ids }) : [];
    const none = { vocab, imageIds: ids, probabilities: new Float32Array(0) };
    return threads.run('chooseRows', needsProbabilities(choice) ? await whole() : none, labels, choice);
  }

  /** The combined rows of these numbers; adjacent ones are read alone unless everything is there already. */
  async function tableOf(rows: readonly number[]): Promise<ProbabilityTable> {
    const ids = await imageIds();
    const start = rows[0] ?? 0;
    const chosen = rows.map((row) => ids[row]!);
    if (!whole.started() && rows.every((row, i) => row === start + i)) {
      const end = start + rows.length;
      return combine(chosen, await readRows(start, end));
    }
    const { probabilities } = await whole();
    const values = rows.map((row) => probabilities.subarray(row * columns, (row + 1) * columns));
    return { vocab, imageIds: chosen, probabilities: joined(values, columns) };
  }

  async function toRows(rows: readonly number[], cursors: readonly string[]): Promise<PredictionRow[]> {
    const table = await tableOf(rows);
    const images = await locateImages(db, { runId, split, imageIds: table.imageIds });
    return table.imageIds.map((imageId, row) =>
      predictionRow({ imageId, cursor: cursors[row]!, vocab, probabilities: table.probabilities, row, images }),
    );
  }

  return {
    split,
    rowCount,
    vocab,
    members: members.map((member) => ({
      runId: member.runId,
      weight: member.weight,
      share: member.weight / total,
      predictionSetId: member.setId,
    })),
    labelCounts: async () => threads.run('labelCounts', await whole()),
    rows: async (page, choice = { orderBy: 'IMAGE_ID' }) => pageOfRows(await chosenRows(choice), page, choice, toRows),
    async disagreement(limit = 50) {
      const all: Disagreement[] = [];
      const visit: Visit = async ({ start }, matrices, part) => {
        const tables = matrices.map((probabilities) => ({ ...part, probabilities }));
        const disputed = await threads.run('disagreement', tables, part, limit);
        all.push(...disputed.map((each) => ({ ...each, row: start + each.row })));
      };
      if (visitors) {
        visitors.push(visit);
        await whole();
      } else {
        const table = await whole();
        for (const block of blocks) {
          const ids = table.imageIds.slice(block.start, block.end);
          const part = { vocab, imageIds: ids, probabilities: valuesOf(table, block) };
          await visit(block, await matricesOf(block), part);
        }
      }
      const found = all.sort(byDispute).slice(0, limit);
      const rows = await toRows(
        found.map(({ row }) => row),
        found.map(({ row }) => rowCursor('IMAGE_ID', row)),
      );
      return rows.map((row, i) => ({ row, memberVotes: found[i]!.votes }));
    },
    async score() {
      if (!rowCount) return null;
      const truth = await findTruth(db, { runId, split, imageIds: await imageIds(), vocab });
      return truth && threads.run('score', await whole(), truth);
    },
    csv: async () => threads.run('csv', await whole()),
  };
}

/** Compares in the database; only where something differs are rows fetched, to name the first. */
export async function checkComparable(db: Queryable, members: readonly Member[]): Promise<void> {
  const differing = new Set(
    await findDifferingSets(
      db,
      members.map(({ setId }) => setId),
    ),
  );
  const other = members.find(({ setId }) => differing.has(setId));
  if (!other) return;
  const rowsOf = async ({ name, vocab, setId }: Member) => ({ name, vocab, imageIds: await readImageIds(db, setId) });
  checkSameRows(await rowsOf(members[0]!), await rowsOf(other));
}

function joined(rows: readonly Float32Array[], columns: number): Float32Array {
  const values = new Float32Array(rows.length * columns);
  for (const [i, row] of rows.entries()) values.set(row, i * columns);
  return values;
}

/** One after the other: a transaction or a pool is not flooded. */
async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

/** Calls `work` once and gives every caller its promise. */
function remembered<T>(work: () => Promise<T>): (() => Promise<T>) & { started: () => boolean } {
  let promise: Promise<T> | undefined;
  const get = () => {
    promise ??= work();
    return promise;
  };
  return Object.assign(get, { started: () => promise !== undefined });
}
