import { escapeHtml } from './html.ts';

/** Attention probabilities of one head for one prompt. */
export interface AttentionMap {
  readonly layer: number;
  readonly head: number;
  /** Queries, one a row. */
  readonly T: number;
  /** `[T, T]` row-major: probability of each sequence key. */
  readonly sequence: ArrayLike<number>;
  /** Depth slots, 0 when the layer reads none. */
  readonly S: number;
  /** `[T, S]` row-major: probability of each slot of the query's own position. */
  readonly depth: ArrayLike<number>;
  /** Text of each position, written beside its row; none when left out. */
  readonly tokens?: readonly string[];
}

const CELL = 10;
const TITLE = 16;
/** Room for a token beside its row. */
const TOKEN = 64;
const TOKEN_CHARACTERS = 9;
const SEQUENCE_COLOUR = '#2f6fc4';
const DEPTH_COLOUR = '#c8551f';
/** Probabilities of the scale's swatches. */
const SCALE = [0.01, 0.05, 0.2, 0.5, 1];

/**
 * Sequence part and depth part of an attention map side by side with a dashed line at the boundary, as in Fig. 5 of the
 * paper. The fuller the colour, the larger; shades follow the square root so that small probabilities show.
 */
export function attentionMapSvg(map: AttentionMap): string {
  const { layer, head, T, S, tokens } = map;
  const left = tokens === undefined ? 0 : TOKEN;
  const width = Math.max(left + (T + S) * CELL, left + 120);
  const height = T * CELL + TITLE;
  const boundary = left + T * CELL;
  const cells: string[] = [];
  for (let t = 0; t < T; t++) {
    const y = TITLE + t * CELL;
    if (tokens !== undefined) {
      cells.push(`<text x="${left - 4}" y="${y + CELL - 2}" text-anchor="end">${shown(tokens[t])}</text>`);
    }
    for (let j = 0; j < T; j++) cells.push(cell(left + j * CELL, y, map.sequence[t * T + j], SEQUENCE_COLOUR));
    for (let s = 0; s < S; s++) cells.push(cell(boundary + s * CELL, y, map.depth[t * S + s], DEPTH_COLOUR));
  }
  const title = `layer ${layer}, head ${head}`;
  return (
    `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(title)}" class="map">` +
    `<text x="${left}" y="11">${escapeHtml(title)}</text>${cells.join('')}` +
    `<line x1="${boundary}" x2="${boundary}" y1="${TITLE}" y2="${height}" class="boundary" stroke-dasharray="3 2"/></svg>`
  );
}

/** The shades of some probabilities, for the sequence above and for depth below. */
export function attentionScaleSvg(): string {
  const swatch = 34;
  const row = (colour: string, y: number): string =>
    SCALE.map((p, i) => `<rect x="${i * swatch}" y="${y}" width="${swatch}" height="10" ${shade(p, colour)}/>`).join(
      '',
    );
  const labels = SCALE.map((p, i) => `<text x="${(i + 0.5) * swatch}" y="34" text-anchor="middle">${p}</text>`);
  const width = SCALE.length * swatch;
  return (
    `<svg viewBox="0 0 ${width + 66} 36" width="${width + 66}" height="36" role="img" aria-label="scale of probabilities" class="map">` +
    `${row(SEQUENCE_COLOUR, 0)}${row(DEPTH_COLOUR, 12)}${labels.join('')}` +
    `<text x="${width + 6}" y="9">sequence</text><text x="${width + 6}" y="21">depth</text></svg>`
  );
}

/** A token as it fits: spaces and line breaks are seen. */
function shown(token: string): string {
  const visible = token.replace(/\n/g, '⏎').replace(/\s/g, '·');
  return escapeHtml(
    [...visible].length > TOKEN_CHARACTERS ? `${[...visible].slice(0, TOKEN_CHARACTERS - 1).join('')}…` : visible,
  );
}

function shade(probability: number, colour: string): string {
  return `fill="${colour}" opacity="${Math.round(Math.sqrt(probability) * 100) / 100}"`;
}

function cell(x: number, y: number, probability: number, colour: string): string {
  if (!(Math.round(Math.sqrt(probability) * 100) > 0)) return '';
  return `<rect x="${x}" y="${y}" width="${CELL}" height="${CELL}" ${shade(probability, colour)}/>`;
}
