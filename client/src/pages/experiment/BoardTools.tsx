import { type ReactNode, useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { SearchField } from '../../ui/SearchField.tsx';
import { ColumnsDialog } from './ColumnsDialog.tsx';
import styles from './Experiment.module.css';
import { FilterHelp } from './FilterHelp.tsx';
import type { BoardView } from './useBoardView.ts';

/** Above the tables of runs: the filter, what else is given, and the choice of columns. */
export function BoardTools({
  experimentId,
  view,
  change,
  problem,
  children,
}: {
  readonly experimentId: string;
  readonly view: BoardView;
  readonly change: (changes: Partial<BoardView>) => void;
  /** What the server has against the filter. */
  readonly problem: string | undefined;
  readonly children?: ReactNode;
}) {
  const [choosing, setChoosing] = useState(false);
  return (
    <div>
      <div className={styles.tools}>
        <div className={styles.filter}>
          <SearchField
            label="Filter"
            value={view.filter}
            placeholder="arch like vit* and valid/error_rate < 0.1"
            problem={problem}
            onChange={(filter) => change({ filter })}
          />
        </div>
        {children}
        <span className={styles.unlabelled}>
          <Button onClick={() => setChoosing(true)}>
            <Icon name="columns" />
            Columns
          </Button>
        </span>
      </div>
      <FilterHelp onChange={(filter) => change({ filter })} />
      {choosing && (
        <ColumnsDialog
          experimentId={experimentId}
          columns={view.columns}
          onChange={(columns) => change({ columns })}
          onClose={() => setChoosing(false)}
        />
      )}
    </div>
  );
}
