/** Where the ranks of one machine find each other in the memory that they share. */
export interface SharedLayout {
  /** Of all memory. */
  readonly bytes: number;
  /** Of each of a rank's two banks, and of a pair's ring. */
  readonly bankBytes: number;
  readonly ringBytes: number;
  /** First Int32 of a rank's own words: how far it is, and how it fares (`rankStates`). */
  wordsOf(rank: number): number;
  /** First Int32 of a pair's words: bytes written and read so far. */
  ringWordsOf(from: number, to: number): number;
  /** First byte. */
  bankOf(rank: number, bank: number): number;
  ringOf(from: number, to: number): number;
}

/** How a rank fares, in its second word. */
export const rankStates = { runs: 0, gone: 1, aborted: 2 } as const;

/** A cache line: no two ranks write to the same. */
const LINE_BYTES = 64;
const LINE_WORDS = LINE_BYTES / 4;
const BANK_BYTES = 1 << 20;
const RING_BYTES = 1 << 18;

/** Small enough for the 64 MB that containers give shared memory, for eight ranks. */
export function sharedLayout(size: number, bankBytes = BANK_BYTES, ringBytes = RING_BYTES): SharedLayout {
  const pairs = size * size;
  const ringWords = size * LINE_WORDS;
  const banks = ringWords * 4 + pairs * LINE_BYTES;
  const rings = banks + 2 * size * bankBytes;
  const pair = (from: number, to: number): number => from * size + to;
  return {
    bytes: rings + pairs * ringBytes,
    bankBytes,
    ringBytes,
    wordsOf: (rank) => rank * LINE_WORDS,
    ringWordsOf: (from, to) => ringWords + pair(from, to) * LINE_WORDS,
    bankOf: (rank, bank) => banks + (2 * rank + bank) * bankBytes,
    ringOf: (from, to) => rings + pair(from, to) * ringBytes,
  };
}
