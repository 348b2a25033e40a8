import { useEffect, useRef, useState } from 'react';

/** Milliseconds without a key after which what stands there is taken. */
const pause = 500;

/** The text of a field that applies itself shortly after the last key. `value`: what holds now; it wins when it changes by other means. */
export function useTyped(value: string, onSettled: (text: string) => void): readonly [string, (text: string) => void] {
  const [text, setText] = useState(value);
  const latest = useRef({ text, onSettled, given: value });
  latest.current = { ...latest.current, text, onSettled };
  useEffect(() => {
    // Keys that came after what was given away are kept.
    if (value !== latest.current.given) setText((typed) => (typed.trim() === value ? typed : value));
    latest.current.given = value;
  }, [value]);
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => {
      latest.current.given = text.trim();
      latest.current.onSettled(text);
    }, pause);
    return () => clearTimeout(timer);
  }, [text, value]);
  return [text, setText];
}
