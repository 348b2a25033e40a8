/** Names of files on the Hugging Face hub. */

export interface HubReference {
  /** `owner/name` */
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** Path inside the repository; null: its weights, whatever they are called. */
  readonly file: string | null;
}

const scheme = 'hf://';
/** What the hub allows in a name: letters, digits, `-`, `_`, `.`, neither `--` nor `..`, no `-` or `.` at an end. */
const namePart = /^(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?$/;
const segment = /^(?!\.{1,2}$)[\w.+ -]+$/;

/** Whether `text` reads `owner/name`. */
export function isRepository(text: string): boolean {
  const parts = text.split('/');
  return parts.length === 2 && parts.every((part) => namePart.test(part));
}

/**
 * Reads `hf://owner/name[@revision][/path/to/file]`; the revision is `main` unless given, its slashes are written %2F.
 * Null when it is no such reference.
 */
export function parseHubReference(text: string): HubReference | null {
  const match = /^hf:\/\/([^/@]+\/[^/@]+)(?:@([^/@]+))?(?:\/(.+))?$/.exec(text);
  if (!match) return null;
  const [, repository, revision = 'main', file = null] = match;
  let decoded: string;
  try {
    decoded = decodeURIComponent(revision);
  } catch {
    return null;
  }
  if (!isRepository(repository!) || !isSafePath(decoded) || (file !== null && !isSafePath(file))) return null;
  return { repository: repository!, revision: decoded, file };
}

/** A relative path that cannot leave its folder. */
function isSafePath(text: string): boolean {
  return text.split('/').every((part) => segment.test(part));
}

/** As the user would write it. */
export function formatHubReference({ repository, revision, file }: HubReference): string {
  const at = revision === 'main' ? '' : `@${encodeURIComponent(revision)}`;
  return `${scheme}${repository}${at}${file === null ? '' : `/${file}`}`;
}
