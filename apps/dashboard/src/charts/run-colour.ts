/** Told apart by most eyes, in this order, on light and on dark. */
const LIGHT = ['#2456d6', '#c2410c', '#0f7b55', '#8b3fc4', '#b91c5c', '#0e7490', '#8a6a00', '#4b5f73'];
const DARK = ['#86a8ff', '#ff9e64', '#4fd6a0', '#cf9bff', '#ff8ab5', '#5cd0e6', '#e3c04d', '#a9bccf'];

/** Whether the page is dark just now. */
export function isDark(): boolean {
  return matchMedia('(prefers-color-scheme: dark)').matches;
}

/** The colour of the i-th run: fixed for the first, then hues that lie far from their neighbours'. */
export function runColour(i: number, dark = isDark()): string {
  const fixed = dark ? DARK : LIGHT;
  if (i < fixed.length) return fixed[i];
  const hue = (i * 137.508) % 360;
  return dark ? `hsl(${hue.toFixed(0)} 70% 70%)` : `hsl(${hue.toFixed(0)} 65% 40%)`;
}
