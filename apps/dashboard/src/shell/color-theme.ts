import { useWatched, WatchedValue } from '../ui/watched-value.ts';

export type ColorTheme = 'light' | 'dark';

const KEY = 'moda-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
let chosen = read();
const theme = new WatchedValue(current());

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
  theme.value = current();
}

/** The theme in force: the visitor's choice, else what the system prefers. */
function current(): ColorTheme {
  return chosen ?? (system.matches ? 'dark' : 'light');
}

system.addEventListener('change', apply);
apply();

/** The theme in force, for what draws on a canvas: it changes with the toggle and with the system. */
export const useColorTheme = (): ColorTheme => useWatched(theme);

/** Chooses a theme; the browser remembers it. */
export function chooseTheme(choice: ColorTheme): void {
  chosen = choice;
  write(choice);
  apply();
}
