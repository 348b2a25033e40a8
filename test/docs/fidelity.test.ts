/** docs/fidelity.md cannot go stale: what it names must be there. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(join(root, 'docs/fidelity.md'), 'utf8');
const rows = text.split('\n').filter((line) => line.startsWith('|') && !line.startsWith('| ---'));
const cellsOf = (row: string) =>
  row
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());

/** `folder/file` "name" */
const reference = /`([a-z]+\/[A-Za-z]+)` "([^"]+)"/g;
const referencesIn = (part: string) =>
  [...part.matchAll(reference)].map(([, file, name]) => ({ file: file!, name: name! }));
const sourceOf = (file: string) => {
  const path = join(root, 'test', `${file}.test.ts`);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

/** The part of the page below a heading. */
const section = (heading: string) => text.split(`\n## ${heading}`)[1]!.split('\n## ')[0]!;

describe('docs/fidelity.md', () => {
  it('every test it names exists', () => {
    const references = referencesIn(text);
    expect(references.length).toBeGreaterThan(80);
    const missing = references.filter(({ file, name }) => {
      const source = sourceOf(file);
      return !["'", '"', '`'].some((quote) => source.includes(`${quote}${name}${quote}`));
    });
    expect(missing).toEqual([]);
  });

  it('names a test for every behaviour', () => {
    const behaviours = rows.filter((row) => cellsOf(row).length === 4 && cellsOf(row)[3] !== 'Test');
    expect(behaviours.length).toBeGreaterThan(65);
    expect(behaviours.filter((row) => referencesIn(cellsOf(row)[3]!).length === 0)).toEqual([]);
    // Whatever is set in quotes is a reference that was understood.
    const quoted = behaviours.map((row) => cellsOf(row)[3]!.replaceAll(reference, '').replaceAll(', ', ''));
    expect(quoted.filter(Boolean)).toEqual([]);
  });

  it('says of every behaviour whether it is the same, and why where it is not', () => {
    const wrong = rows.filter((row) => {
      const [, , ours] = cellsOf(row);
      return cellsOf(row).length === 4 && ours !== 'Rungraph' && !/^(Same|Differs)/.test(ours!);
    });
    expect(wrong).toEqual([]);
  });

  it('covers all of the checklist', () => {
    const items = [...section('The checklist').matchAll(/^\| (\d+)[a-z]? \|/gm)].map(([, item]) => Number(item));
    expect([...new Set(items)]).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
  });

  it('says of every fixture which test reads it', () => {
    const listed = new Map(
      section('Fixtures')
        .split('\n')
        .filter((row) => row.startsWith('| `'))
        .map((row): [string, string] => [cellsOf(row)[0]!.replaceAll('`', ''), cellsOf(row)[1]!]),
    );
    const golden = join(root, 'test/golden');
    const fixtures = ['fastai', 'pillow', 'autocast', 'models', 'tables', 'e2e'].flatMap((folder) =>
      readdirSync(join(golden, folder)).map((file) => `${folder}/${file.split('.')[0]}`),
    );
    expect(fixtures.filter((name) => !listed.has(name) && !listed.has(`${name.split('/')[0]}/*`))).toEqual([]);
    for (const [fixture, readers] of listed) {
      const [folder, name] = fixture.split('/') as [string, string];
      for (const [, reader] of readers.matchAll(/`([^`]+)`/g)) {
        const source = sourceOf(reader!);
        const read = name === '*' ? source.includes(folder) : source.includes(name);
        expect(read, `${reader} reads ${fixture}`).toBe(true);
      }
    }
  });
});
