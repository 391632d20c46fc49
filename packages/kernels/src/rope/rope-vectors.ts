import { DTYPES } from '../plan/dtype-table.ts';

/** Halves that one load moves. */
export const VECTOR = 8;
export const VECTOR_THREADS = 256;

interface Rows {
  readonly dtype: 'f32' | 'f16';
  readonly heads: number;
  readonly D: number;
  readonly rotaryDim: number;
  readonly isInterleaved: boolean;
  /** Element counts that 16 bytes must divide: distances and starts; null or missing: there is no such operand. */
  readonly starts: readonly (number | null | undefined)[];
}

/**
 * Lanes of a row, each with 8 pairs of a head, a power of two; null where rows must be read number by number: f32, components
 * that are not rotated, neighbouring pairs, rows that start between two loads, rows longer than a workgroup.
 */
export function vectorLanes({ dtype, heads, D, rotaryDim, isInterleaved, starts }: Rows): number | null {
  const isAligned = D % (2 * VECTOR) === 0 && starts.every((start) => (start ?? 0) % VECTOR === 0);
  if (!DTYPES[dtype].isHalf || isInterleaved || rotaryDim !== D || !isAligned) return null;
  const lanes = 2 ** Math.ceil(Math.log2((heads * D) / (2 * VECTOR)));
  return lanes <= VECTOR_THREADS ? lanes : null;
}
