/** What a client may see of an error: its own mistakes in full, that the database is away, ours only as a request id that the log has too. */

import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { absenceMessage, absenceSeconds, isDatabaseAway } from '../domain/absence.ts';
import { UserInputError } from '../errors.ts';
import type { Logger } from '../log.ts';

export function presentErrors(
  errors: readonly GraphQLError[],
  { requestId, log }: { readonly requestId: string; readonly log: Logger },
): GraphQLFormattedError[] {
  return errors.map((error) => {
    const cause = causeOf(error);
    if (cause instanceof UserInputError) return present(error, { code: 'BAD_USER_INPUT', problems: cause.problems });
    if (cause instanceof GraphQLError) {
      const { http: _, ...extensions } = error.extensions; // Apollo's note to itself about the status
      return present(error, { code: 'BAD_USER_INPUT', ...extensions });
    }
    if (isDatabaseAway(cause)) {
      log.warn({ err: cause, requestId, path: error.path }, 'a resolver met no database');
      return { ...present(error, { code: 'UNAVAILABLE', retryAfter: absenceSeconds }), message: absenceMessage };
    }
    log.error({ err: cause, requestId, path: error.path }, 'a resolver failed');
    return {
      ...present(error, { code: 'INTERNAL_SERVER_ERROR', requestId }),
      message: `Internal server error. The server's log has more about request ${requestId}`,
    };
  });
}

/** What was thrown at first: GraphQL wraps errors, sometimes twice. */
function causeOf(error: GraphQLError): Error {
  let cause: Error = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  return cause;
}

function present(error: GraphQLError, extensions: Record<string, unknown>): GraphQLFormattedError {
  const { message, locations, path } = error.toJSON();
  return { message, ...(locations && { locations }), ...(path && { path }), extensions };
}
