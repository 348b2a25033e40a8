import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useApiPages } from '../../api/pages.ts';
import { count } from '../../format/numbers.ts';
import { sentence } from '../../format/sentence.ts';
import {
  type DatasetPageQuery,
  DatasetProblemsDocument,
  type DatasetProblemsQuery,
} from '../../generated/operations.ts';
import { Button } from '../../ui/Button.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Notice, Skeleton } from '../../ui/Notice.tsx';
import { Row, Stack } from '../../ui/Page.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import styles from './Problems.module.css';
import { filterProblems, groupByFile, type ProblemRow, placeOf, rowsOf, type Severity } from './problems.ts';
import { SeverityMark } from './SeverityMark.tsx';

const severities: readonly Severity[] = ['REJECTED', 'SKIPPED', 'WARNING'];
const words: Readonly<Record<Severity, string>> = {
  REJECTED: 'Rejected',
  SKIPPED: 'Skipped',
  WARNING: 'Remarks',
};

/** Problems that are loaded by themselves; more when asked for. */
const step = 20_000;

type Dataset = Pick<NonNullable<DatasetPageQuery['dataset']>, 'id' | 'problemCounts'>;

const problemsOf = (data: DatasetProblemsQuery) => data.dataset?.problems;

export function Problems({ dataset }: { readonly dataset: Dataset }) {
  const [get, set] = useSearch();
  const search = get('search') ?? '';
  const severity = severities.find((known) => known === get('severity')) ?? null;
  const { rows, first, error, hasMore, loadMore, refetch } = useApiPages(
    DatasetProblemsDocument,
    { id: dataset.id, first: 1000 },
    problemsOf,
  );
  const [wanted, setWanted] = useState(step);
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    if (hasMore && rows.length < wanted) loadMore();
  }, [hasMore, rows.length, wanted, loadMore]);
  const countOf = (severity: Severity) =>
    dataset.problemCounts.find((entry) => entry.severity === severity)?.count ?? 0;
  const total = dataset.problemCounts.reduce((sum, entry) => sum + entry.count, 0);
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
      {error && <Failure error={error} onRetry={refetch} />}
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
            { value: 'ALL', label: `All ${count(total)}` },
            ...severities.map((value) => ({ value, label: `${words[value]} ${count(countOf(value))}` })),
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
          These are the first {count(rows.length)} of {count(total)}; the search knows of them only.
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
        {row.kind === 'single' && (
          <p className={styles.path}>
            <Name whole>{problem.path}</Name>
          </p>
        )}
        <p>
          {row.kind === 'part' && line !== null && <span className={styles.path}>{`Line ${line} `}</span>}
          <Name whole>{sentence(problem.reason)}</Name>
        </p>
      </div>
    </div>
  );
}
