import { messageOf, UserInputError } from '../errors.ts';
import { OutsideRootsError } from '../files/roots.ts';

/**
 * What people are told of anything that went wrong in a worker: our own words, and those of the file system, which name the file. Of the
 * rest (a database that is away, a bug) the words are for the log: they hold queries and lines of our code.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof UserInputError) return error.problems.map((problem) => problem.message).join('; ');
  if (error instanceof OutsideRootsError) return error.message;
  if ((error as NodeJS.ErrnoException).syscall !== undefined) return messageOf(error);
  return 'there was an internal error; the log of the worker has it';
}
