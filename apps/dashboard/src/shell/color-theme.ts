import { useEffect, useState } from 'preact/hooks';

export type ColorTheme = 'light' | 'dark';

const KEY = 'moda-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();
let chosen = read();

/** A browser that forbids storage still switches themes; it only forgets. */
function read(): ColorTheme | null {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === 'light' || stored === 'dark' ? stored : null;
  } catch {
    return null;
  }
}

function write(theme: ColorTheme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // See `read`.
  }
}

function apply(): void {
  if (chosen !== null) document.documentElement.dataset.theme = chosen;
  for (const listener of listeners) listener();
}

/** The theme in force: the visitor's choice, else what the system prefers. */
function current(): ColorTheme {
  return chosen ?? (system.matches ? 'dark' : 'light');
}

system.addEventListener('change', apply);
apply();

/** The theme in force, for what draws on a canvas: it changes with the toggle and with the system. */
export function useColorTheme(): ColorTheme {
  const [theme, setTheme] = useState(current);
  useEffect(() => {
    const follow = (): void => setTheme(current());
    listeners.add(follow);
    return () => {
      listeners.delete(follow);
    };
  }, []);
  return theme;
}

/** Chooses a theme; the browser remembers it. */
export function chooseTheme(theme: ColorTheme): void {
  chosen = theme;
  write(theme);
  apply();
}
