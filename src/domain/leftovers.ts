/** Whether an operating system left this file or folder behind: it is none of the user's, and not worth a line in a report. */
export function isLeftover(name: string): boolean {
  return /^(\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|__MACOSX)$/i.test(name);
}
