/** Reads the small CSV files beside a data set (RFC 4180; LF, CRLF or CR; UTF-8 with or without a mark), keeping line numbers. */

import { lstat, readFile } from 'node:fs/promises';
import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { messageOf } from '../errors.ts';

export interface CsvRow {
  /** Line of the file on which the row begins, counted from 1. */
  readonly line: number;
  readonly values: ReadonlyMap<string, string>;
}

export interface CsvTable {
  readonly rows: readonly CsvRow[];
  /** Rows that were refused. */
  readonly refused: readonly { readonly line: number; readonly reason: string }[];
}

const maxFileBytes = 64 * 2 ** 20;
const maxRowCharacters = 65_536;

/**
 * The rows of `path` with `columns` trimmed and present; other columns are ignored. undefined when there is no such file.
 * Throws an Error whose message says why the whole file is refused.
 */
export async function readCsvTable(path: string, columns: readonly string[]): Promise<CsvTable | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (!found) return undefined;
  if (!found.isFile()) throw new Error('is not a regular file (links are not followed)');
  if (found.size > maxFileBytes) throw new Error(`is larger than ${maxFileBytes} bytes`);
  const [header, ...rows] = parseRows(decodeUtf8(await readFile(path)));
  if (!header) throw new Error('is empty');
  const names = header.record.map((name) => name.trim().toLowerCase());
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length) throw new Error(`has no column ${missing.join(', ')}; its first line must name the columns`);
  if (!rows.length) throw new Error('has no rows');
  const refused: { line: number; reason: string }[] = [];
  const accepted = rows.flatMap(({ line, record }): CsvRow[] => {
    const reason = rowProblem(record, names.length);
    if (reason) refused.push({ line, reason });
    return reason ? [] : [{ line, values: new Map(columns.map((c) => [c, record[names.indexOf(c)]!.trim()])) }];
  });
  return { rows: accepted, refused };
}

function rowProblem(record: readonly string[], columns: number): string | undefined {
  if (record.length !== columns) return `has ${record.length} fields, the header has ${columns}`;
  if (record.some((value) => value.includes('\0'))) return 'contains a NUL byte';
  return undefined;
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('is not UTF-8 text; save it as UTF-8');
  }
}

function parseRows(text: string): { line: number; record: string[] }[] {
  let lastLine = 0; // on which the last whole record ends
  try {
    const parsed = parse(text, {
      info: true,
      on_record: (record, { lines }) => {
        lastLine = lines;
        return record;
      },
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: maxRowCharacters,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    // `info.lines` is the line on which the record ends.
    return parsed.map(({ record, info }) => ({ record, line: info.lines - lineBreaks(record) }));
  } catch (error) {
    throw new Error(`is not valid CSV: ${reasonOf(error, lastLine + 1)}`);
  }
}

function lineBreaks(record: readonly string[]): number {
  return record.reduce((sum, value) => sum + (value.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
}

/** The parser's message, in which a quoted value may be a megabyte long. `line`: on which the row at fault begins. */
function reasonOf(error: unknown, line: number): string {
  switch (error instanceof CsvError ? error.code : undefined) {
    case 'CSV_MAX_RECORD_SIZE':
      return `a row is longer than ${maxRowCharacters} characters (line ${line})`;
    case 'CSV_QUOTE_NOT_CLOSED':
      return `a quote is never closed (line ${line})`;
    default:
      return messageOf(error).slice(0, 200);
  }
}
