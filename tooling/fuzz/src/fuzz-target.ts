import type { Random } from './random.ts';

/** A reader to be fuzzed. Its file `targets/<name>.ts` exports it as `target`; there is no list to extend. */
export interface FuzzTarget {
  /** The file's name without its ending. */
  readonly name: string;
  /** Valid inputs. They are the first cases and must pass without any error. */
  seeds(): Promise<Uint8Array[]>;
  /** A damaged copy of a seed. The same `random` gives the same bytes. */
  mutate(bytes: Uint8Array, random: Random): Uint8Array;
  /**
   * Reads the input and checks what came out. A case passes when this returns, or throws one of the project's own errors;
   * a wrong result is reported by throwing a plain `Error`.
   */
  run(bytes: Uint8Array): Promise<void>;
}
