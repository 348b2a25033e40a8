import { type RefObject, useEffect, useLayoutEffect, useRef } from 'react';
import { useLocation } from 'wouter';

/**
 * Brings the reader to a view that a link has led to: the focus goes to `main` (from there `PageHead` takes it to its heading, which
 * screen readers then say), and the window to its top. Back and forward leave the scrolling to the browser.
 */
export function useArrival(main: RefObject<HTMLElement | null>): void {
  const [location] = useLocation();
  const shown = useRef(location);
  const pathname = useRef(window.location.pathname);
  const wentBack = useRef(false);
  useEffect(() => {
    const note = () => {
      // Within a view only its state goes back.
      wentBack.current = window.location.pathname !== pathname.current;
    };
    window.addEventListener('popstate', note);
    return () => window.removeEventListener('popstate', note);
  }, []);
  useLayoutEffect(() => {
    if (shown.current === location) return;
    shown.current = location;
    pathname.current = window.location.pathname;
    if (!wentBack.current) window.scrollTo(0, 0);
    wentBack.current = false;
    main.current?.focus({ preventScroll: true });
  }, [location, main]);
}
