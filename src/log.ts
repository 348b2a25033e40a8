import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/** Structured JSON log, to stderr by default; `RUNGRAPH_LOG` (trace … silent) sets the level. Secrets are never passed to it. */
export function createLogger(
  name: string,
  level: string,
  destination: DestinationStream = pino.destination(2),
): Logger {
  return pino(
    {
      ...{ name, level, serializers: { err: describeError } },
      redact: ['*.password', '*.token', '*.key', 'req.headers.authorization'],
    },
    destination,
  );
}

/** Causes of causes that are told. */
const mostCauses = 5;

/** What a log keeps of anything thrown, and nothing else: errors of libraries hold whole clients, with their buffers and addresses. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const { code } = error as { readonly code?: unknown };
  return {
    ...{ type: name, message, stack },
    ...(code === undefined ? {} : { code }),
    ...(cause === undefined || depth === mostCauses ? {} : { cause: describeError(cause, depth + 1) }),
  };
}
