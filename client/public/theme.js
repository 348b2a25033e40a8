// Before anything is painted: the theme that was chosen here, if one was; else the system's.
try {
  const theme = localStorage.getItem('rungraph.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is forbidden: the system's theme.
}
