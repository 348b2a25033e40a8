import { useEffect, useRef, useState } from 'react';
import styles from './Slider.module.css';

/** Milliseconds: while it is dragged it counts some three times a second, for browsers count how often a link is rewritten. */
const pause = 350;

/** A number from 0 to `max` that is dragged; beside it what it is. */
export function Slider({
  label,
  value,
  max,
  step,
  format,
  onChange,
}: {
  readonly label: string;
  readonly value: number;
  readonly max: number;
  readonly step: number;
  readonly format: (value: number) => string;
  readonly onChange: (value: number) => void;
}) {
  const [draft, setDraft] = useState<number | null>(null);
  const latest = useRef({ draft, onChange });
  latest.current = { draft, onChange };
  const moves = draft !== null;
  useEffect(() => {
    if (!moves) return;
    const timer = setTimeout(() => {
      const now = latest.current;
      if (now.draft !== null) now.onChange(now.draft);
      setDraft(null);
    }, pause);
    return () => clearTimeout(timer);
  }, [moves]);
  return (
    <label className={styles.slider}>
      {label}
      <input
        type="range"
        min="0"
        max={max}
        step={step}
        value={draft ?? value}
        onChange={({ target }) => setDraft(Number(target.value))}
      />
      <output>{format(draft ?? value)}</output>
    </label>
  );
}
