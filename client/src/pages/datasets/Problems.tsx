import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useApiPages } from '../../api/pages.ts';
import { count } from '../../format/numbers.ts';
import { DatasetProblemsDocument, type DatasetProblemsQuery } from '../../generated/operations.ts';
import { Button } from '../../ui/Button.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Notice, Skeleton } from '../../ui/Notice.tsx';
import { Row, Stack } from '../../ui/Page.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import styles from './Problems.module.css';
import {
  countSeverities,
  filterProblems,
  groupByFile,
  type Problem,
  type ProblemRow,
  placeOf,
  rowsOf,
  type Severity,
} from './problems.ts';
import { SeverityMark } from './SeverityMark.tsx';

const severities: readonly Severity[] = ['REJECTED', 'SKIPPED', 'WARNING'];
const words: Readonly<Record<Severity, string>> = {
  REJECTED: 'Rejected',
  SKIPPED: 'Skipped',
  WARNING: 'Taken with a remark',
};

/** Problems that are loaded by themselves; more when asked for. */
const step = 20_000;

const problemsOf = (data: DatasetProblemsQuery) => data.dataset?.problems;

export function Problems({ datasetId }: { readonly datasetId: string }) {
  const [get, set] = useSearch();
  const search = get('search') ?? '';
  const severity = severities.find((known) => known === get('severity')) ?? null;
  const { rows, first, error, hasMore, loadMore, refetch } = useApiPages(
    DatasetProblemsDocument,
    { id: datasetId, first: 100 },
    problemsOf,
  );
  const [wanted, setWanted] = useState(step);
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    if (hasMore && rows.length < wanted) loadMore();
  }, [hasMore, rows.length, wanted, loadMore]);
  const counts = useMemo(() => countSeverities(rows), [rows]);
  const shown = useMemo(() => filterProblems(rows, { search, severity }), [rows, search, severity]);
  const list = useMemo(() => rowsOf(groupByFile(shown), turned), [shown, turned]);

  if (error && !first) return <Failure error={error} onRetry={refetch} />;
  if (!first) return <Skeleton height="30rem" />;
  if (rows.length === 0) {
    return (
      <Empty title="No problems">
        <p>Every file of the data set was understood and taken.</p>
      </Empty>
    );
  }
  const toggle = (file: string) => {
    const next = new Set(turned);
    if (!next.delete(file)) next.add(file);
    setTurned(next);
  };
  return (
    <Stack>
      <Row>
        <div className={styles.search}>
          <TextField
            label="Search in paths and reasons"
            hideLabel
            type="search"
            placeholder="Search in paths and reasons"
            value={search}
            onChange={({ target }) => set({ search: target.value || null })}
          />
        </div>
        <Segments
          label="Severity"
          options={[
            { value: 'ALL', label: `All ${count(rows.length)}${hasMore ? '+' : ''}` },
            ...severities.map((value) => ({ value, label: `${words[value]} ${count(counts[value])}` })),
          ]}
          value={severity ?? 'ALL'}
          onChange={(value) => set({ severity: value === 'ALL' ? null : value })}
        />
      </Row>
      {list.length === 0 ? (
        <Empty title="None of them">
          <p>No path and no reason has this text{severity && ', or not with this severity'}.</p>
          <Button onClick={() => set({ search: null, severity: null })}>Show all</Button>
        </Empty>
      ) : (
        <List rows={list} onToggle={toggle} />
      )}
      {hasMore && rows.length >= wanted && (
        <Notice actions={<Button onClick={() => setWanted(wanted + step)}>Load {count(step)} more</Button>}>
          These are the first {count(rows.length)}; search and counts know of them only.
        </Notice>
      )}
    </Stack>
  );
}

function List({ rows, onToggle }: { readonly rows: readonly ProblemRow[]; readonly onToggle: (file: string) => void }) {
  const frame = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => 60,
    getItemKey: (index) => rows[index]!.key,
    overscan: 10,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
    <section ref={frame} className={styles.frame} tabIndex={0} aria-label="Import problems">
      <ul className={styles.list} style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map(({ index, key, start }) => (
          <li
            key={key}
            ref={virtualizer.measureElement}
            data-index={index}
            className={styles.row}
            style={{ transform: `translateY(${start}px)` }}
            aria-setsize={rows.length}
            aria-posinset={index + 1}
          >
            <Line row={rows[index]!} onToggle={onToggle} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Line({ row, onToggle }: { readonly row: ProblemRow; readonly onToggle: (file: string) => void }) {
  if (row.kind === 'file') {
    const { file, problems } = row.group;
    return (
      <button type="button" className={styles.file} aria-expanded={row.open} onClick={() => onToggle(file)}>
        <Icon name={row.open ? 'down' : 'right'} />
        <span className={styles.path}>
          <Name whole>{file}</Name>
        </span>
        <span className={styles.number}>{count(problems.length)}</span>
      </button>
    );
  }
  const { problem } = row;
  const { line } = placeOf(problem.path);
  return (
    <div className={row.kind === 'part' ? styles.part : styles.single}>
      <SeverityMark of={problem.severity} />
      <div>
        <p className={styles.path}>{row.kind === 'part' ? lineWords(line) : <Name whole>{problem.path}</Name>}</p>
        <Reason problem={problem} />
      </div>
    </div>
  );
}

function lineWords(line: number | null): string {
  return line === null ? 'The file' : `Line ${line}`;
}

function Reason({ problem }: { readonly problem: Problem }) {
  return (
    <p>
      <Name whole>{problem.reason}</Name>
    </p>
  );
}
