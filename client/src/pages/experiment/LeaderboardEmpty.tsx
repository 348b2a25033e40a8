import { count } from '../../format/numbers.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { Empty } from '../../ui/Notice.tsx';
import type { ExperimentHead } from './head.ts';
import type { BoardView } from './useBoardView.ts';

/** Why nothing is ranked, and what to do about it. */
export function LeaderboardEmpty({
  experiment: { id, runCount, dataset },
  view,
}: {
  readonly experiment: ExperimentHead;
  readonly view: BoardView;
}) {
  if (runCount === 0) {
    return (
      <Empty title="No runs yet">
        <p>Runs and ensembles will stand here, best first, as soon as they have a score.</p>
        {dataset ? (
          <ForWriters>
            <ButtonLink look="primary" to={routes.start(id)}>
              Start a run
            </ButtonLink>
          </ForWriters>
        ) : (
          <p>This experiment has no data set, so that no run can be started in it.</p>
        )}
      </Empty>
    );
  }
  if (view.filter || view.split || view.metric) {
    return (
      <Empty title="Nothing matches">
        <p>No run with a score fits the filter, the metric and the split that were chosen.</p>
        <ButtonLink to={routes.experiment(id)}>Show all</ButtonLink>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing has a score yet">
      <p>
        {runCount === 1 ? 'Its run has' : `Its ${count(runCount)} runs have`} not finished an epoch, or ended before
        one.
      </p>
      <ButtonLink to={`${routes.experiment(id)}?tab=runs`}>Look at the runs</ButtonLink>
    </Empty>
  );
}
