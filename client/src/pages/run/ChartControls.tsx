import { Checkbox } from '../../ui/Field.tsx';
import { Slider } from '../../ui/Slider.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { type AxisName, axes } from './axis.ts';
import styles from './Run.module.css';

/** How the charts of the page are looked at; it stands in the page's link. */
export interface ChartView {
  readonly axis: AxisName;
  readonly smoothing: number;
  readonly logarithmic: boolean;
  /** The steps that are shown; null: all. */
  readonly steps: readonly [from: number, to: number] | null;
  readonly zoom: (steps: readonly [from: number, to: number] | null) => void;
}

export function useChartView(): ChartView {
  const [get, set] = useSearch();
  const wanted = get('axis');
  const smoothing = Number(get('smooth') ?? 0);
  const [from, to] = (get('steps') ?? '').split('-').map(Number);
  return {
    axis: axes.find((axis) => axis === wanted) ?? 'step',
    smoothing: smoothing > 0 && smoothing < 1 ? smoothing : 0,
    logarithmic: get('log') === '1',
    steps: Number.isFinite(from) && Number.isFinite(to) && from! < to! ? [from!, to!] : null,
    zoom: (steps) => set({ steps: steps && `${Math.floor(steps[0])}-${Math.ceil(steps[1])}` }),
  };
}

const words: Readonly<Record<AxisName, string>> = { step: 'Steps', epoch: 'Epochs', time: 'Time' };

export function ChartControls({ view: { axis, smoothing, logarithmic } }: { readonly view: ChartView }) {
  const [, set] = useSearch();
  return (
    <div className={styles.controls}>
      <Segments
        label="Axis"
        options={axes.map((value) => ({ value, label: words[value] }))}
        value={axis}
        onChange={(value) => set({ axis: value === 'step' ? null : value })}
      />
      <Slider
        label="Smoothing"
        max={0.99}
        step={0.01}
        value={smoothing}
        format={(value) => value.toFixed(2)}
        onChange={(value) => set({ smooth: value === 0 ? null : String(value) })}
      />
      <Checkbox
        label="Logarithmic"
        checked={logarithmic}
        onChange={({ target }) => set({ log: target.checked ? '1' : null })}
      />
      <span className={styles.hint}>Drag across a chart to zoom in</span>
    </div>
  );
}
