/** Answers of mutations: the object written, or why it was refused. */

import { UserInputError, type UserProblem } from '../errors.ts';

type Payload<Field extends string, T> = { readonly [F in Field]: T | null } & {
  readonly userErrors: readonly UserProblem[];
};

/** Runs a command; its refusal becomes `userErrors`, any other error is thrown on. */
export async function payload<Field extends string, T>(
  field: Field,
  write: () => Promise<T>,
): Promise<Payload<Field, T>> {
  try {
    return answer(field, await write(), []);
  } catch (error) {
    if (error instanceof UserInputError) return answer(field, null, error.problems);
    throw error;
  }
}

function answer<Field extends string, T>(
  field: Field,
  object: T | null,
  userErrors: readonly UserProblem[],
): Payload<Field, T> {
  return { [field]: object, userErrors } as Payload<Field, T>;
}
