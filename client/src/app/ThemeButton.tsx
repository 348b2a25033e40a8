import { useState } from 'react';
import { Button } from '../ui/Button.tsx';
import { Icon, type IconName } from '../ui/Icon.tsx';

const themes = ['system', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];

const icons: Readonly<Record<Theme, IconName>> = { system: 'system', light: 'sun', dark: 'moon' };

/** The one of client/public/theme.js. */
const key = 'rungraph.theme';

/** The system's theme, light or dark; remembered in this browser. */
export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(readTheme);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length]!;
  const choose = () => {
    setTheme(next);
    if (next === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(key, next);
    } catch {
      // Storage is forbidden: it holds until the page is closed.
    }
    // Charts paint with the colours of the theme.
    window.dispatchEvent(new Event('themechange'));
  };
  return (
    <Button
      look="quiet"
      small
      onClick={choose}
      title={`Theme: ${theme}. Switch to ${next}.`}
      aria-label={`Theme: ${theme}`}
    >
      <Icon name={icons[theme]} />
    </Button>
  );
}

function readTheme(): Theme {
  const { theme } = document.documentElement.dataset;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}
