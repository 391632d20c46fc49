/** How a weight becomes a share of the colour scale: small weights are many, and a root tells them apart. */
export type ScaleKind = 'root' | 'linear';

type Rgb = readonly [number, number, number];

/** From nothing to all: lightness falls (or rises) evenly, so that the order is read without telling hues apart. */
const STOPS: Readonly<Record<'light' | 'dark', readonly Rgb[]>> = {
  light: [
    [247, 249, 252],
    [203, 220, 250],
    [134, 172, 241],
    [58, 112, 214],
    [26, 62, 150],
    [14, 26, 71],
  ],
  dark: [
    [28, 33, 42],
    [33, 56, 104],
    [41, 96, 176],
    [84, 152, 238],
    [160, 207, 255],
    [240, 248, 255],
  ],
};

/** Share 0..1 of the scale for a weight 0..1. */
export function scaleShare(weight: number, kind: ScaleKind): number {
  const clamped = Math.min(1, Math.max(0, weight));
  return kind === 'root' ? Math.sqrt(clamped) : clamped;
}

/** Colour of a share 0..1 of the scale. */
export function scaleColor(share: number, theme: 'light' | 'dark'): string {
  const stops = STOPS[theme];
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(place));
  const channels = stops[low].map((from, i) => Math.round(from + (stops[low + 1][i] - from) * (place - low)));
  return `rgb(${channels.join(' ')})`;
}
