/** Errors a caller can cause and mend. Everything else is a bug and is reported as INTERNAL. */

/** Codes of `UserError` in the GraphQL schema. */
export type UserErrorCode =
  | 'INVALID'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'ALREADY_EXISTS'
  | 'LIMIT_EXCEEDED'
  | 'UNAVAILABLE'
  | 'INCOMPATIBLE'
  | 'QUOTA_EXCEEDED';

/** One expected refusal: what is wrong (naming the field, file or id), where, and what to do about it. */
export interface UserProblem {
  readonly code: UserErrorCode;
  readonly message: string;
  /** Path of the input field at fault, e.g. `['config', 'accumulation']`; empty when no single field is. */
  readonly path: readonly string[];
}

/** Thrown by commands and by data-set or training code when the caller's input is refused. Carries every problem found. */
export class UserInputError extends Error {
  readonly problems: readonly UserProblem[];

  constructor(problems: readonly UserProblem[]) {
    super(problems.map((p) => (p.path.length ? `${p.path.join('.')}: ${p.message}` : p.message)).join('; '));
    this.name = 'UserInputError';
    this.problems = problems;
  }
}

/** Shorthand for a refusal with one problem. */
export function refuse(code: UserErrorCode, message: string, path: readonly string[] = []): UserInputError {
  return new UserInputError([{ code, message, path }]);
}

/** Why `folder` takes no file now: its disk is full or read-only, or it is somebody else's. Null for other errors. */
export function diskProblem(error: unknown, folder: string): UserInputError | null {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return refuse(
        'UNAVAILABLE',
        `The disk that holds ${folder} is full, nothing was stored; free some space and try again`,
      );
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return refuse(
        'UNAVAILABLE',
        `${folder} cannot be written to (${messageOf(error)}), nothing was stored; make it writable and try again`,
      );
    default:
      return null;
  }
}

/** `there is no run run_x`; an id that cannot be seen is quoted. */
export function missing(what: string, id: string): string {
  return `there is no ${what} ${id.trim() === '' ? JSON.stringify(id) : id}`;
}

/** Wrong configuration or environment found at start-up: printed without a stack, exit status 1. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
