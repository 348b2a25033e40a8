/** The lines of a log that the page keeps, and those that match what is looked for. */

export interface LogEntry {
  readonly seq: number;
  readonly at: string;
  readonly stream: string;
  readonly line: string;
}

/** Lines kept at most: the newest. */
export const linesKept = 50_000;

/** More lines, by number, each once. What is beyond the limit goes from the beginning. */
export function addLines(lines: readonly LogEntry[], added: readonly LogEntry[]): readonly LogEntry[] {
  if (!added.length) return lines;
  const last = lines.at(-1)?.seq ?? 0;
  const fresh = added.filter(({ seq }) => seq > last);
  const first = lines[0]?.seq ?? Number.POSITIVE_INFINITY;
  const older = added.filter(({ seq }) => seq < first && seq <= last);
  if (!fresh.length && !older.length) return lines;
  return [...older, ...lines, ...fresh].slice(-linesKept);
}

/** Those with a text, in any case; an empty text leaves all. */
export function findLines(lines: readonly LogEntry[], text: string): readonly LogEntry[] {
  const wanted = text.toLowerCase();
  return wanted ? lines.filter(({ line }) => line.toLowerCase().includes(wanted)) : lines;
}

/** A line as stretches, those that match marked. */
export function markMatches(line: string, text: string): readonly { readonly text: string; readonly hit: boolean }[] {
  const wanted = text.toLowerCase();
  const lower = line.toLowerCase();
  // Letters whose other case has another length would shift every place.
  if (!wanted || lower.length !== line.length) return [{ text: line, hit: false }];
  const parts: { text: string; hit: boolean }[] = [];
  let at = 0;
  for (let hit = lower.indexOf(wanted); hit >= 0; hit = lower.indexOf(wanted, at)) {
    if (hit > at) parts.push({ text: line.slice(at, hit), hit: false });
    parts.push({ text: line.slice(hit, hit + wanted.length), hit: true });
    at = hit + wanted.length;
  }
  if (at < line.length) parts.push({ text: line.slice(at), hit: false });
  return parts;
}
