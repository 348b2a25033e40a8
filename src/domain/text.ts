/** Text of unknown origin (log lines, messages of crashed processes), made fit for PostgreSQL and JSON. */

/** Cuts to `limit` UTF-16 units and replaces NUL and lone surrogates, which neither text nor jsonb columns take. */
export function storableText(text: string, limit = 8192): string {
  const cut = text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
  return cut.replace(/[\0\p{Surrogate}]/gu, '\uFFFD');
}
