import type { FloatDType } from '../plan/plan.ts';

/** Rows `[tokens, C]` in an operand: that of token t starts at element `start + t * stride`. */
export interface MixedRows {
  readonly buffer: string;
  readonly start: number;
  readonly stride: number;
}

/** Where the weight of a row for a token lies: `start + t * token + k * out + s * source`. Strides of 0: the same for all. */
export interface MixWeights {
  readonly dtype: FloatDType;
  readonly start: number;
  readonly token: number;
  readonly out: number;
  readonly source: number;
}

/** Neighbouring rows of a list that one pass takes. */
export interface Taken<Rows> {
  readonly first: number;
  readonly rows: readonly Rows[];
  /** Operands that they lie in. */
  readonly buffers: readonly string[];
}

/** Cuts a list of rows into parts that lie in at most `most.buffers` operands and are at most `most.rows`. */
export function inPasses<Rows extends MixedRows>(
  all: readonly Rows[],
  most: { readonly buffers: number; readonly rows: number },
): Taken<Rows>[] {
  const parts: { first: number; rows: Rows[]; buffers: string[] }[] = [];
  all.forEach((row, index) => {
    const last = parts.at(-1);
    const isNew = !last?.buffers.includes(row.buffer);
    if (!last || last.rows.length === most.rows || (isNew && last.buffers.length === most.buffers)) {
      parts.push({ first: index, rows: [row], buffers: [row.buffer] });
      return;
    }
    last.rows.push(row);
    if (isNew) last.buffers.push(row.buffer);
  });
  return parts;
}

/** Which of its operands each row lies in, as a WGSL array. */
export function bindingsOf({ rows, buffers }: Taken<MixedRows>): string {
  return `array<u32, ${rows.length}>(${rows.map(({ buffer }) => `${buffers.indexOf(buffer)}u`).join(', ')})`;
}

/** `count` bindings of a pass that has fewer: what is left over is bound to the first, or to scratch memory where it is written. */
export function padded(buffers: readonly string[], count: number, spare = buffers.slice(0, 1)): string[] {
  return Array.from({ length: count }, (_, i) => buffers[i] ?? spare[i] ?? spare[0]!);
}
