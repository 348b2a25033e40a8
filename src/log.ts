import { type Logger, pino } from 'pino';

export type { Logger };

/** Structured JSON log to stderr; `RUNGRAPH_LOG` (trace … silent) sets the level. Secrets are never passed to it. */
export function createLogger(name: string, level: string): Logger {
  return pino(
    { name, level, redact: ['*.password', '*.token', '*.key', 'req.headers.authorization'] },
    pino.destination(2),
  );
}
