/** Compares train.csv with the class folders. The folder decides; the file is only checked. */

import type { ImportProblem } from '../domain/dataset.ts';
import { messageOf } from '../errors.ts';
import { readCsvTable } from './csvTable.ts';
import { quote } from './quote.ts';

const file = 'train.csv';

interface LabelledFile {
  readonly name: string;
  readonly label: string;
  readonly path: string;
}

/** One problem for each row or image on which train.csv and the folders do not agree; none when there is no train.csv. */
export async function checkLabels(path: string, files: readonly LabelledFile[]): Promise<ImportProblem[]> {
  const problems: ImportProblem[] = [];
  const report = (at: string, severity: ImportProblem['severity'], reason: string) =>
    problems.push({ path: at, severity, reason });
  const table = await readCsvTable(path, ['image_id', 'label']).catch((error: unknown) => {
    report(file, 'REJECTED', `${messageOf(error)}; labels are taken from the folders alone`);
    return undefined;
  });
  if (!table) return problems;

  for (const { line, reason } of table.refused) report(`${file}:${line}`, 'REJECTED', reason);
  const byName = groupByName(files);
  const labels = new Set(files.map(({ label }) => label));
  /** Lines so far: the first of each label, by image. */
  const seen = new Map<string, Map<string, number>>();
  const listedPaths = new Set<string>();
  for (const { line, values } of table.rows) {
    const at = `${file}:${line}`;
    const name = values.get('image_id')!;
    const label = values.get('label')!;
    const problem = rowProblem(name, label);
    if (problem) {
      report(at, 'REJECTED', problem);
      continue;
    }
    const lineOf = seen.get(name) ?? new Map<string, number>();
    seen.set(name, lineOf);
    const [earlier] = lineOf;
    const same = lineOf.get(label);
    if (same === undefined) lineOf.set(label, line);
    const named = byName.get(name) ?? [];
    const right = named.find((image) => image.label === label);
    const says = `gives ${quote(name)} the label ${quote(label)}`;
    if (same !== undefined) report(at, 'WARNING', `lists ${quote(name)} again, as line ${same} does`);
    else if (right) listedPaths.add(right.path);
    else if (earlier) {
      report(at, 'REJECTED', `${says}, but line ${earlier[1]} says ${quote(earlier[0])}`);
    } else if (named[0]) {
      const unknown = labels.has(label) ? '' : ' (no class folder has that name)';
      const folder = `it lies in the folder of ${quote(named[0].label)}`;
      report(at, 'WARNING', `${says}${unknown}, but ${folder}; the folder decides`);
      listedPaths.add(named[0].path);
    } else report(at, 'WARNING', `lists ${quote(name)}, of which there is no usable image`);
  }
  for (const { path: imagePath, label } of files) {
    if (!listedPaths.has(imagePath)) {
      report(imagePath, 'WARNING', `is in no row of ${file}; it is taken with its folder's label ${quote(label)}`);
    }
  }
  return problems;
}

function rowProblem(name: string, label: string): string | undefined {
  if (!name) return 'has an empty image_id';
  if (!label) return `has an empty label for ${quote(name)}`;
  if (/[/\\]/.test(name)) return `has a path as image_id: ${quote(name)}; it must be a file name`;
  if (/[/\\]/.test(label)) return `has a path as label: ${quote(label)}; it must be the name of a class folder`;
  return undefined;
}

function groupByName(files: readonly LabelledFile[]): Map<string, LabelledFile[]> {
  const groups = new Map<string, LabelledFile[]>();
  for (const image of files) {
    const group = groups.get(image.name);
    if (group) group.push(image);
    else groups.set(image.name, [image]);
  }
  return groups;
}
