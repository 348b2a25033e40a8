import { useApiQuery } from '../../api/hooks.ts';
import { MetricNamesDocument, type Split } from '../../generated/operations.ts';
import { Select } from '../../ui/Field.tsx';
import type { ExperimentHead } from './head.ts';
import type { BoardView } from './useBoardView.ts';

/** What runs are scored by: a metric, and the images it is measured on. */
export function MetricSelect({
  experiment: { id, objective },
  view,
  change,
}: {
  readonly experiment: ExperimentHead;
  readonly view: BoardView;
  readonly change: (changes: Partial<BoardView>) => void;
}) {
  const { data } = useApiQuery(MetricNamesDocument, { id });
  const names = new Set(data?.experiment?.metricNames ?? []);
  names.delete(objective.metric);
  if (view.metric) names.add(view.metric);
  return (
    <>
      <Select
        label="Score"
        value={view.metric ?? ''}
        onChange={({ target }) => change({ metric: target.value || null, sorting: undefined })}
      >
        <option value="">{objective.metric} (objective)</option>
        {[...names].map((name) => (
          <option key={name}>{name}</option>
        ))}
      </Select>
      <Select
        label="Scored on"
        value={view.split ?? ''}
        onChange={({ target }) => change({ split: (target.value || null) as Split | null })}
      >
        <option value="">As usual</option>
        <option value="VALID">Validation</option>
        <option value="HOLDOUT">Hold-out</option>
        <option value="TRAIN">Training</option>
      </Select>
    </>
  );
}
