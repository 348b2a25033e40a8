/** What no answer and no line of the log may hold. */

import { statusesOf } from './http.ts';
import { messagesOf } from './sockets.ts';

/** Words of our inside: of stacks, SQL, libraries and their errors. The fuzzer sends none of them. */
const inside =
  /\bat [\w.<>$]+ \(|node_modules|\.[cm]?[jt]s:\d+|prisma|invocation in|relation \\?"|column \\?"|syntax error at or near|violates|duplicate key|could not serialize|ECONN|EPIPE|ENOENT|ENAMETOOLONG|EISDIR|EINVAL|Cannot read propert|is not a function|is not iterable|undefined \(reading|call stack|out of range for type|invalid byte sequence|invalid input syntax|[Ii]nternal server error|INTERNAL_SERVER_ERROR|TypeError|RangeError|SyntaxError:|bind message|Unexpected error/;

/** The problem with an answer to raw bytes; null when there is none. `home`: the server's folder, which is nobody's business. */
export function problemOf(answer: string, home: string): string | null {
  const bad = statusesOf(answer).find((status) => status >= 500);
  if (bad !== undefined) return `status ${bad}: ${answer.slice(0, 2000)}`;
  const texts = answer.startsWith('HTTP/1.1 101') ? messagesOf(answer) : [answer];
  for (const text of texts) {
    const problem = leakIn(text, home);
    if (problem !== null) return problem;
    if (/^CLOSE (1011|4500)/.test(text)) return `closed: ${text}`;
  }
  return null;
}

function leakIn(text: string, home: string): string | null {
  // Descriptions of the schema may speak of anything.
  if (text.includes('"__schema"') || text.includes('"__type"')) return null;
  if (text.includes(home)) return `names the home folder: ${text.slice(0, 2000)}`;
  const match = inside.exec(text);
  return match
    ? `${JSON.stringify(match[0])} in ${text.slice(Math.max(0, match.index - 300), match.index + 1500)}`
    : null;
}

/** The problem with a line that the server has logged. */
export function problemInLog(line: string): string | null {
  try {
    const { level, msg } = JSON.parse(line) as { readonly level?: number; readonly msg?: string };
    return level !== undefined && level >= 50 ? `logged: ${msg} ${line.slice(0, 3000)}` : null;
  } catch {
    return `printed: ${line.slice(0, 2000)}`;
  }
}
