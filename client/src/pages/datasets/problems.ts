/** What an import has not taken, or took with a remark, by file. */

export type Severity = 'REJECTED' | 'SKIPPED' | 'WARNING';

export interface Problem {
  /** Relative to the data set's folder; of a line of a table `train.csv:17`. */
  readonly path: string;
  readonly reason: string;
  readonly severity: Severity;
}

export interface ProblemFile {
  readonly file: string;
  readonly problems: readonly Problem[];
}

/** A table and its line, or a file as a whole. */
export function placeOf(path: string): { readonly file: string; readonly line: number | null } {
  const match = /^(.*\.csv):(\d+)$/is.exec(path);
  return match ? { file: match[1]!, line: Number(match[2]) } : { file: path, line: null };
}

/** Files in the order in which they were found, with all that is said of each. */
export function groupByFile(problems: readonly Problem[]): ProblemFile[] {
  const groups = new Map<string, Problem[]>();
  for (const problem of problems) {
    const { file } = placeOf(problem.path);
    const group = groups.get(file);
    if (group) group.push(problem);
    else groups.set(file, [problem]);
  }
  return [...groups].map(([file, own]) => ({ file, problems: own }));
}

/** Those with the text in path or reason, in any case, and of one severity unless it is null. */
export function filterProblems(
  problems: readonly Problem[],
  { search, severity }: { readonly search: string; readonly severity: Severity | null },
): readonly Problem[] {
  const text = search.trim().toLowerCase();
  if (!text && !severity) return problems;
  return problems.filter(
    (problem) =>
      (!severity || problem.severity === severity) &&
      (!text || problem.path.toLowerCase().includes(text) || problem.reason.toLowerCase().includes(text)),
  );
}

/** A line of the list: a file with one problem, a file with several, or one of those several. */
export type ProblemRow =
  | { readonly kind: 'single'; readonly key: string; readonly problem: Problem }
  | { readonly kind: 'file'; readonly key: string; readonly group: ProblemFile; readonly open: boolean }
  | { readonly kind: 'part'; readonly key: string; readonly problem: Problem };

/** More problems than this hide what comes after them: such a file is closed until it is opened. */
const openUpTo = 10;

/** `turned`: files that the reader has opened or closed, against what they would be. */
export function rowsOf(groups: readonly ProblemFile[], turned: ReadonlySet<string>): ProblemRow[] {
  return groups.flatMap((group, at): ProblemRow[] => {
    const [first] = group.problems;
    if (group.problems.length === 1 && first) return [{ kind: 'single', key: `${at}`, problem: first }];
    const open = group.problems.length <= openUpTo !== turned.has(group.file);
    const parts = open ? group.problems : [];
    return [
      { kind: 'file', key: `${at}`, group, open },
      ...parts.map((problem, index): ProblemRow => ({ kind: 'part', key: `${at}.${index}`, problem })),
    ];
  });
}
