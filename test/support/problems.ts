import { expect } from 'vitest';
import { UserInputError } from '../../src/errors.ts';

/** Everything that a command is refused for, each as `CODE path: message`. */
export async function problemsOf(command: Promise<unknown>): Promise<string[]> {
  const error = await command.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserInputError);
  return (error as UserInputError).problems.map(({ code, path, message }) => `${code} ${path.join('.')}: ${message}`);
}
