/**
 * How far a reader has come: which event of each run it has seen last. One number for all runs would not do: runs commit side by side,
 * and a later commit may carry a smaller number. One number per run would, but the cursors of an experiment would grow with its runs.
 * So what lies behind is told by snapshots of the database (everything that was committed by then), and only runs that have moved on
 * since are told by number.
 */

import { malformedCursor } from '../domain/cursor.ts';
import type { RunEvent } from '../domain/runEvent.ts';
import type { EventHeads } from '../store/event.ts';

/** Everything that a snapshot of the database shows: the last number of each run. */
export interface Base {
  readonly snapshot: string;
  readonly heads: ReadonlyMap<string, number>;
}

/** Has been seen as far as the base goes, of the runs with ids up to `through`; null: of all. */
interface Layer<B> {
  readonly base: B;
  readonly through: string | null;
}

/** A cursor that has been read, not looked up yet. */
export interface Cursor {
  readonly layers: readonly Layer<string>[];
  readonly own: Readonly<Record<string, number>>;
}

/** Layers of a cursor at most: a replay adds one, which covers those before it in the end. */
const mostLayers = 3;

export class Positions {
  #layers: Layer<Base>[];
  /** Runs that are further than the layers say. */
  readonly #own: Map<string, number>;

  constructor(layers: readonly Layer<Base>[] = [], own: Iterable<readonly [string, number]> = []) {
    this.#layers = [...layers];
    this.#own = new Map(own);
  }

  /** Everything up to `heads`. */
  static at({ heads, snapshot }: EventHeads): Positions {
    const own = heads.map(({ runId, seq }) => [runId, seq] as const);
    return snapshot === null
      ? new Positions([], own)
      : new Positions([{ base: { snapshot, heads: new Map(own) }, through: null }]);
  }

  after(runId: string): number {
    let seq = this.#own.get(runId) ?? 0;
    for (const { base, through } of this.#layers) {
      if (through === null || runId <= through) seq = Math.max(seq, base.heads.get(runId) ?? 0);
    }
    return seq;
  }

  /** Moves on past an event; never back. */
  pass({ runId, seq }: Pick<RunEvent, 'runId' | 'seq'>): void {
    if (seq > this.after(runId)) this.#own.set(runId, seq);
  }

  /** A replay begins that will have shown all of `base`, runs in the order of their ids. */
  begin(base: Base): void {
    if (this.#layers.length >= mostLayers) this.#flatten();
    this.#layers.push({ base, through: '' });
  }

  /** The replay has shown everything of runs with ids up to `runId`. */
  reach(runId: string): void {
    const { base } = this.#layers.pop()!;
    this.#layers = this.#layers.filter(({ through }) => through === null || through > runId);
    this.#layers.push({ base, through: runId });
    this.#forgetCovered();
  }

  /** Everything of `base` has been seen. */
  rebase(base: Base): void {
    this.#layers = [{ base, through: null }];
    this.#forgetCovered();
  }

  /** What has been seen whole; null while it is more than one snapshot. */
  get base(): Base | null {
    const [only, ...others] = this.#layers;
    return only?.through === null && !others.length ? only.base : null;
  }

  copy(): Positions {
    return new Positions(this.#layers, this.#own);
  }

  cursor(): string {
    const own = Object.fromEntries(this.#own);
    const layers = this.#layers.map(({ base, through }) => [base.snapshot, through]);
    return Buffer.from(JSON.stringify(layers.length ? { layers, own } : own)).toString('base64url');
  }

  #forgetCovered(): void {
    for (const [runId, seq] of [...this.#own]) {
      this.#own.delete(runId);
      if (seq > this.after(runId)) this.#own.set(runId, seq);
    }
  }

  /** Numbers in place of layers. */
  #flatten(): void {
    const runs = this.#layers.flatMap(({ base }) => [...base.heads.keys()]);
    for (const runId of runs) {
      const seq = this.after(runId);
      if (seq > 0) this.#own.set(runId, seq);
    }
    this.#layers = [];
  }
}

/** The cursor behind everything that a snapshot of the database shows. */
export function cursorAtSnapshot(snapshot: string): string {
  return Positions.at({ heads: [], snapshot }).cursor();
}

/** Reads what `Positions.cursor` wrote, also before there were snapshots. */
export function parseCursor(cursor: string): Cursor {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw malformedCursor(cursor);
  }
  if (isNumbers(value)) return { layers: [], own: value };
  const { layers, own, ...rest } = isObject(value) ? value : {};
  if (!Array.isArray(layers) || layers.length > mostLayers + 1 || !layers.every(isLayer)) throw malformedCursor(cursor);
  if (!isNumbers(own) || Object.keys(rest).length) throw malformedCursor(cursor);
  return { layers: layers.map(([base, through]) => ({ base, through })), own };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumbers(value: unknown): value is Record<string, number> {
  return isObject(value) && Object.values(value).every((seq) => Number.isSafeInteger(seq) && (seq as number) >= 0);
}

function isLayer(value: unknown): value is [string, string | null] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [snapshot, through] = value;
  return isSnapshot(snapshot) && (through === null || typeof through === 'string');
}

/** `cluster/xmin:xmax:xid,xid,…`, see PostgreSQL's pg_snapshot. */
function isSnapshot(value: unknown): boolean {
  const found = typeof value === 'string' ? /^\d{1,20}\/(\d{1,15}):(\d{1,15}):([\d,]{0,20000})$/.exec(value) : null;
  if (!found) return false;
  const [xmin, xmax] = [Number(found[1]), Number(found[2])];
  const running = found[3] ? found[3].split(',').map(Number) : [];
  const ascending = running.every((xid, i) => xid >= xmin && xid < xmax && (i === 0 || xid > running[i - 1]!));
  return xmin > 0 && xmin <= xmax && ascending && !/^,|,,|,$/.test(found[3]!);
}
