import { metric as metricText, nothing } from '../../format/numbers.ts';
import type { Column } from '../../ui/DataTable.tsx';
import type { RankedRow } from './rows.ts';

/**
 * What of the rows is compared. Where a run has a best epoch and the model that it left, which need not be of that epoch, each has its
 * column: an ensemble is made of such models and compares with the second alone.
 * @param hasTwo see `hasTwoScores`
 */
export function scoreColumns(metric: string, hasTwo: boolean): readonly Column<RankedRow>[] {
  if (!hasTwo) {
    return [
      {
        key: 'score',
        header: metric,
        width: 'min(9rem, 28vw)',
        align: 'right',
        sortable: true,
        cell: ({ score }) => metricText(metric, score),
      },
    ];
  }
  return [
    {
      key: 'score',
      header: 'Best epoch',
      about: `${metric} of the run’s best epoch, by which it is ranked`,
      width: narrow,
      align: 'right',
      sortable: true,
      cell: ({ run, score }) =>
        run ? (
          metricText(metric, score)
        ) : (
          <span title="An ensemble has no epochs: its final model ranks it">{nothing}</span>
        ),
    },
    {
      key: 'final',
      header: 'Final model',
      about: `${metric} of the weights and predictions that are kept: a run’s after its last epoch, an ensemble’s as it combines its members`,
      width: narrow,
      align: 'right',
      sortable: true,
      cell: ({ prediction }) => metricText(metric, prediction),
    },
  ];
}

/** Two of them stand beside each other on a phone, too. */
const narrow = 'min(7.5rem, max(5.1rem, 18vw))';
