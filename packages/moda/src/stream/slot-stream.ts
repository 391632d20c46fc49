import type { DepthReading, Tensor } from '@modajs/tensor';
import type { ReadOptions } from './depth-stream.ts';

/**
 * Depth slots of one forward pass, as the layers of a model write and read them: all of them in one arena (`DepthStream`), or those
 * of the highest scores (`ScoredStream`).
 */
export interface SlotStream extends Disposable {
  /** Slots written so far. */
  readonly count: number;
  /** Whether every slot is written with a score `[B, T, Hkv]`; its keys are longer then, and `query` prepares queries for them. */
  readonly hasScores: boolean;
  /** Memory of the next slot, for operators that write their result there; null where there is none. */
  nextSlot(): { k: Tensor; v: Tensor } | null;
  /** Memory for the queries `[B, T, H, D]` of the next reader, where its backward pass gains by them; else null. */
  queryDestination(H: number): Tensor | null;
  /** Puts k `[B, T, Hkv, D]` and v `[B, T, Hkv, Dv]` into the next slot. */
  write(k: Tensor, v: Tensor, score?: Tensor): void;
  /** The slots that a reader sees. */
  read(options?: ReadOptions): DepthReading;
  /** Queries `[B, T, H, D]` as they meet the slots' keys under a softmax of that scale. */
  query(q: Tensor, scale: number): Tensor;
  /** Keys of the slots that can be read, oldest first, outside the graph. */
  keys(): Tensor[];
  /** Gives the memory up. A recorded graph keeps what it reads. */
  dispose(): void;
}

/** Whether a value has what a layer asks of a stream. */
export function isSlotStream(value: unknown): value is SlotStream {
  if (typeof value !== 'object' || value === null) return false;
  const { count, hasScores, read, write, query } = value as Partial<SlotStream>;
  const methods = [read, write, query];
  return (
    typeof count === 'number' &&
    typeof hasScores === 'boolean' &&
    methods.every((method) => typeof method === 'function')
  );
}
