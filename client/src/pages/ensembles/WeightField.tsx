import { useState } from 'react';
import { TextField } from '../../ui/Field.tsx';
import { largestWeight, parseWeight } from './builderState.ts';

/** A weight as people type it: what is half typed stays as it is until the field is left. */
export function WeightField({
  label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly value: number;
  readonly onChange: (weight: number) => void;
}) {
  const [typed, setTyped] = useState<string | null>(null);
  const change = (text: string) => {
    setTyped(text);
    if (text.trim() !== '') onChange(parseWeight(text));
  };
  return (
    <TextField
      label={label}
      hideLabel
      type="number"
      inputMode="decimal"
      min={0}
      max={largestWeight}
      step="any"
      value={typed ?? String(value)}
      onChange={({ target }) => change(target.value)}
      onBlur={() => setTyped(null)}
    />
  );
}
