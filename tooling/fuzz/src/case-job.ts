import type { FuzzFault } from './run-case.ts';

/** What a case process is asked to do; travels as JSON. */
export interface CaseJob {
  /** URL of the target's bundle. */
  readonly module: string;
  readonly seed: number;
  /** Cases from .. to - 1. */
  readonly from: number;
  readonly to: number;
  /** A file with the only case's bytes, instead of generated ones. */
  readonly file?: string;
  /** Growth of the process's largest resident size that ends it. */
  readonly memoryBytes: number;
  /** Kinds of fault that need no smaller example. */
  readonly known: readonly string[];
}

/** A fault with its input. */
export interface FoundFault extends FuzzFault {
  readonly case: number;
  readonly bytes: Uint8Array;
}
