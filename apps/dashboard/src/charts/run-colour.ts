import type { ColorTheme } from '../shell/color-theme.ts';

/** Colours `--series-1` to `--series-8` of the theme. */
const SERIES = 8;

/** The colour of the i-th line, for a style: the theme's for the first eight, then hues far from their neighbours'. */
export function runColour(i: number, theme: ColorTheme): string {
  if (i < SERIES) return `var(--series-${i + 1})`;
  const hue = ((i * 137.508) % 360).toFixed(0);
  return theme === 'dark' ? `hsl(${hue} 70% 70%)` : `hsl(${hue} 65% 40%)`;
}

/** A colour for a canvas, which knows no variables of styles. */
export function resolvedColour(colour: string, style: CSSStyleDeclaration): string {
  const name = /^var\((--[\w-]+)\)$/.exec(colour)?.[1];
  return name === undefined ? colour : style.getPropertyValue(name);
}
