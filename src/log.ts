import { AsyncLocalStorage } from 'node:async_hooks';
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/** What a line is about. Whoever begins something gives it its id; everything logged meanwhile carries it. */
export interface LogIds {
  /** The HTTP request or WebSocket operation that asked for it, also in the job that it made and in the worker that has this job. */
  readonly requestId?: string | undefined;
  readonly jobId?: string | undefined;
  readonly datasetId?: string | undefined;
  readonly runId?: string | undefined;
  readonly attempt?: number | undefined;
}

const scope = new AsyncLocalStorage<LogIds>();

/** Does `work`; every line that it logs, also after awaiting, carries these ids and those of the work around it. */
export function withLogIds<T>(ids: LogIds, work: () => T): T {
  return scope.run({ ...scope.getStore(), ...ids }, work);
}

/** The ids of the work in progress. */
export function logIds(): LogIds {
  return scope.getStore() ?? {};
}

/** Structured JSON log, to stderr by default, where a terminal gets text; `RUNGRAPH_LOG` (trace … silent) sets the level. Secrets are never passed to it. */
export function createLogger(
  name: string,
  level: string,
  destination: DestinationStream = process.stderr.isTTY ? terminal : pino.destination(2),
): Logger {
  return pino(
    {
      ...{ name, level, serializers: { err: describeError }, mixin: () => ({ ...logIds() }) },
      redact: ['*.password', '*.token', '*.key', 'req.headers.authorization'],
    },
    destination,
  );
}

const terminal: DestinationStream = { write: (line) => process.stderr.write(describeLine(line)) };

/** A line of the log for people: time, level, who, what, the rest as `name=value`, and below the stack of an error. */
export function describeLine(line: string): string {
  const { time, level, name, msg, err, pid: _, hostname: __, ...rest } = JSON.parse(line) as LogLine;
  const clock = new Date(time).toTimeString().slice(0, 8);
  const values = Object.entries(rest).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  const stack = err?.stack ? `\n${err.stack}` : '';
  return `${clock} ${(pino.levels.labels[level] ?? '').toUpperCase()} ${name}: ${msg}${values.join('')}${stack}\n`;
}

interface LogLine extends Readonly<Record<string, unknown>> {
  readonly time: number;
  readonly level: number;
  readonly name: string;
  readonly msg: string;
  readonly err?: { readonly stack?: string };
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
