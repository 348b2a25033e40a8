import { useEffect, useState } from 'react';
import { useSearch } from '../../ui/useSearch.ts';
import type { Draft } from './draft.ts';
import { linkOf, readDraft } from './link.ts';

/** Milliseconds of rest after which what was typed counts: browsers count how often a link is rewritten. */
const rest = 350;

/** The draft, which the link of the page tells of; `settled`: as it was when typing last paused. */
export function useDraft(base: Draft): {
  readonly draft: Draft;
  readonly settled: Draft;
  readonly change: (draft: Draft) => void;
} {
  const [get, set] = useSearch();
  const [draft, change] = useState(() => readDraft(base, get));
  const [settled, settle] = useState(draft);
  useEffect(() => {
    if (settled === draft) return;
    const timer = setTimeout(() => {
      settle(draft);
      set(linkOf(base, draft));
    }, rest);
    return () => clearTimeout(timer);
  }, [base, draft, settled, set]);
  return { draft, settled, change };
}
