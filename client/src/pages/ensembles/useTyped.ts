import { useEffect, useState } from 'react';

/** Milliseconds without a key after which what stands there is taken. */
const pause = 500;

/** The text of a field that applies itself shortly after the last key. `value`: what holds now; it wins when it changes by other means. */
export function useTyped(value: string, onSettled: (text: string) => void): readonly [string, (text: string) => void] {
  const [text, setText] = useState(value);
  useEffect(() => setText((typed) => (typed.trim() === value ? typed : value)), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only keys start the pause
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => onSettled(text), pause);
    return () => clearTimeout(timer);
  }, [text]);
  return [text, setText];
}
