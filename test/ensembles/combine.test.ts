import { describe, expect, it } from 'vitest';
import { type Member, weightedMean } from '../../src/ensembles/combine.ts';
import { predictedLabels } from '../../src/ensembles/labels.ts';
import { submissionCsv } from '../../src/ensembles/submission.ts';
import { UserInputError } from '../../src/errors.ts';
import { goldenJson, goldenTensors, maxDifference } from '../models/goldenFiles.ts';

const golden = goldenJson('fastai/tta_ensemble');

async function goldenMembers(): Promise<Member[]> {
  const tensors = await goldenTensors('fastai/tta_ensemble');
  return golden.weights.map((weight: number, i: number) => ({
    name: `member ${i}`,
    weight,
    imageIds: golden.image_ids,
    vocab: golden.vocab,
    probabilities: tensors.float(`member.${i}`),
  }));
}

function member(name: string, changes: Partial<Member> = {}): Member {
  return {
    name,
    weight: 1,
    imageIds: ['a.jpg', 'b.jpg'],
    vocab: ['x', 'y'],
    probabilities: Float32Array.of(0.25, 0.75, 0.5, 0.5),
    ...changes,
  };
}

function problemsOf(members: readonly Member[]): { code: string; message: string }[] {
  try {
    weightedMean(members);
  } catch (error) {
    if (error instanceof UserInputError) return [...error.problems];
    throw error;
  }
  return [];
}

describe('weighted mean', () => {
  it('equals the recipe’s mean with the doubled members', async () => {
    const tensors = await goldenTensors('fastai/tta_ensemble');
    const mean = weightedMean(await goldenMembers());
    expect(maxDifference(mean.probabilities, tensors.float('ensemble_avg'))).toBeLessThan(golden.tolerance.atol);
    expect(predictedLabels(mean)).toEqual([...tensors.int('argmax')].map((column) => golden.vocab[column]));
  });

  it('gives weight 2 the effect of listing a member twice', async () => {
    const members = await goldenMembers();
    const once = members.map((m) => ({ ...m, weight: 1 }));
    const listed = [...once, once[2]!, once[3]!];
    expect(weightedMean(listed).probabilities).toEqual(weightedMean(members).probabilities);
  });

  it('writes the submission of the recipe byte for byte', async () => {
    expect(submissionCsv(weightedMean(await goldenMembers()))).toBe(golden.csv);
  });

  it('does not lose small differences to float32 sums', () => {
    const many = Array.from({ length: 1000 }, (_, i) =>
      member(`m${i}`, { probabilities: Float32Array.of(0.1, 0.9, 0.3, 0.7) }),
    );
    expect(weightedMean(many).probabilities).toEqual(Float32Array.of(0.1, 0.9, 0.3, 0.7));
  });

  it.each([
    ['another vocabulary', { vocab: ['x', 'z'] }, 'label 2 is "z" in second but "y" in first'],
    [
      'more labels',
      { vocab: ['x', 'y', 'z'], probabilities: new Float32Array(6) },
      'second has 3 labels, first has 2; label 3 is "z" in second but missing in first',
    ],
    ['another order of rows', { imageIds: ['b.jpg', 'a.jpg'] }, 'image 1 is "b.jpg" in second but "a.jpg" in first'],
    [
      'fewer rows',
      { imageIds: ['a.jpg'], probabilities: new Float32Array(2) },
      'second has 1 images, first has 2; image 2 is missing in second but "b.jpg" in first',
    ],
    ['a matrix of another size', { probabilities: new Float32Array(3) }, 'second holds 3 probabilities'],
  ])('refuses a member with %s', (_, changes, message) => {
    const problems = problemsOf([member('first'), member('second', changes)]);
    expect(problems).toHaveLength(1);
    expect(problems[0]!.code).toBe('INCOMPATIBLE');
    expect(problems[0]!.message).toContain(message);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses weight %d', (weight) => {
    expect(problemsOf([member('first', { weight })])).toMatchObject(
      [{ code: 'INVALID', message: /first/ }].map((p) => ({
        ...p,
        message: expect.stringMatching(p.message),
      })),
    );
  });

  it('refuses an ensemble of nobody', () => {
    expect(problemsOf([])).toMatchObject([{ code: 'INVALID' }]);
  });
});

describe('submission CSV', () => {
  it('quotes a name only where CSV needs it', () => {
    const csv = submissionCsv({
      imageIds: ['plain.jpg', 'with,comma.jpg', 'with "quotes".jpg'],
      vocab: ['x', 'line\nbreak'],
      probabilities: Float32Array.of(1, 0, 1, 0, 0, 1),
    });
    expect(csv).toBe('image_id,label\nplain.jpg,x\n"with,comma.jpg",x\n"with ""quotes"".jpg","line\nbreak"\n');
  });

  it('takes the first of equally probable labels', () => {
    expect(
      predictedLabels({ imageIds: ['a'], vocab: ['x', 'y', 'z'], probabilities: Float32Array.of(0.2, 0.4, 0.4) }),
    ).toEqual(['y']);
  });
});
