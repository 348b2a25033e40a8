/** The form of `optimizeEnsemble`, and what it sends. */

import type { OptimizeEnsembleInput, SelectionMetric, Split } from '../../generated/operations.ts';

/** Whose score is looked at. */
export type CandidateChoice = 'all' | 'members' | 'filter';

export interface OptimizeForm {
  readonly name: string;
  /** Empty: as the server chooses. */
  readonly split: '' | Extract<Split, 'VALID' | 'HOLDOUT'>;
  readonly candidates: CandidateChoice;
  readonly filter: string;
  readonly metric: SelectionMetric;
  /** Numbers as typed; empty: as by default. */
  readonly initialMembers: string;
  readonly maxPicks: string;
  readonly maxMembers: string;
}

export const emptyForm: OptimizeForm = {
  name: '',
  split: '',
  candidates: 'all',
  filter: '',
  metric: 'ERROR_RATE',
  initialMembers: '',
  maxPicks: '',
  maxMembers: '',
};

const numbers = ['initialMembers', 'maxPicks', 'maxMembers'] as const;

/** The input, and what of the form is no number: the server checks the rest. `members`: those of the builder. */
export function optimizeInput(
  experimentId: string,
  form: OptimizeForm,
  members: readonly string[],
): {
  readonly input: OptimizeEnsembleInput;
  readonly problems: readonly { readonly message: string; readonly path: readonly string[] }[];
} {
  const given = numbers.filter((field) => form[field].trim() !== '');
  return {
    input: {
      experimentId,
      name: form.name,
      metric: form.metric,
      ...(form.split && { split: form.split }),
      ...(form.candidates === 'members' && { runIds: members }),
      ...(form.candidates === 'filter' && { filter: form.filter }),
      ...Object.fromEntries(given.map((field) => [field, Number(form[field])])),
    },
    problems: given
      .filter((field) => !/^\s*\d{1,9}\s*$/.test(form[field]))
      .map((field) => ({ message: 'a whole number, please', path: [field] })),
  };
}
