import { DataError } from '@modajs/tensor';
import { IGNORED_TARGET } from './batch.ts';
import type { TokenSource } from './token-source.ts';

/** Tokens with labels: a conversation, whose answers are learned. `ChatTokens` of `@modajs/tokenizer/chat` is one. */
export interface LabelledTokens {
  readonly ids: Int32Array;
  /** 1 for tokens that count in the loss. */
  readonly isAnswer: Uint8Array;
}

/** One training sequence that is whole as it is. */
export interface SequenceRow {
  /** `[T]` */
  readonly ids: Int32Array;
  /** `[T]`: the next token where that is part of an answer, else `IGNORED_TARGET`. */
  readonly targets: Int32Array;
  /** `[T, 2]`: key range of each position's conversation. */
  readonly docRange: Int32Array;
}

/** Where a conversation lies among the rows. */
interface Place {
  readonly example: number;
  readonly start: number;
}

/**
 * Conversations packed into rows of T tokens, none of them cut by a row's end: the longest first, each into the fullest row that has
 * room (best fit). Conversations do not see each other. One of more than T + 1 tokens loses its end; one whose answers lie there is
 * left out. What a row lacks is filled up with positions that see only one another and count nothing.
 */
export class PackedRows {
  /** Conversations that lost their end. */
  readonly shortened: number;
  /** Conversations without an answer in their first T + 1 tokens. */
  readonly leftOut: number;
  /** Tokens that are predicted. */
  readonly targets: number;
  readonly #examples: readonly LabelledTokens[];
  readonly #rows: readonly (readonly Place[])[];

  /** @param T tokens of a row */
  constructor(
    examples: readonly LabelledTokens[],
    readonly T: number,
  ) {
    const cut = examples.map(({ ids, isAnswer }) => ({
      ids: ids.subarray(0, T + 1),
      // What stands first is predicted from nothing.
      isAnswer: isAnswer.slice(0, T + 1).fill(0, 0, 1),
    }));
    this.#examples = cut.filter(({ isAnswer }) => isAnswer.includes(1));
    this.leftOut = cut.length - this.#examples.length;
    this.shortened = examples.filter(({ ids }, i) => ids.length > T + 1 && cut[i].isAnswer.includes(1)).length;
    this.targets = this.#examples.reduce((sum, { isAnswer }) => sum + isAnswer.reduce((all, one) => all + one, 0), 0);
    this.#rows = pack(this.#examples, T);
  }

  /** Rows in all. */
  get count(): number {
    return this.#rows.length;
  }

  /** Calls with each id that is predicted. */
  forEachTarget(visit: (id: number) => void): void {
    for (const { ids, isAnswer } of this.#examples) ids.forEach((id, i) => isAnswer[i] === 1 && visit(id));
  }

  row(index: number): SequenceRow {
    const { T } = this;
    const ids = new Int32Array(T);
    const targets = new Int32Array(T).fill(IGNORED_TARGET);
    const docRange = new Int32Array(2 * T);
    let end = 0;
    for (const { example, start } of this.#rows[index]) {
      const { ids: tokens, isAnswer } = this.#examples[example];
      end = start + tokens.length - 1;
      ids.set(tokens.subarray(0, -1), start);
      for (let t = start; t < end; t++) {
        if (isAnswer[t - start + 1] === 1) targets[t] = tokens[t - start + 1];
        docRange.set([start, end], 2 * t);
      }
    }
    for (let t = end; t < T; t++) docRange.set([end, T], 2 * t);
    return { ids, targets, docRange };
  }
}

/** Packed conversations as a source of a run. @throws DataError when there are none */
export function packedSource(name: string, rows: PackedRows): TokenSource {
  if (rows.count === 0) {
    throw new DataError(
      `data: ${name} must hold a conversation with an answer in its first ${rows.T + 1} tokens, got none. Use a larger training.seqLen.`,
      { source: name },
    );
  }
  const { T, count } = rows;
  return {
    name,
    length: count * T,
    rows,
    read(start, many) {
      const tokens = new Int32Array(many);
      for (let at = start; at < start + many; ) {
        const from = at % T;
        const part = rows.row(Math.floor(at / T)).ids.subarray(from, Math.min(T, from + start + many - at));
        tokens.set(part, at - start);
        at += part.length;
      }
      return tokens;
    },
  };
}

/** Rows by the places of their examples: best fit, decreasing; the same for the same lengths. */
function pack(examples: readonly LabelledTokens[], T: number): Place[][] {
  const order = examples.map((_, i) => i).sort((a, b) => examples[b].ids.length - examples[a].ids.length || a - b);
  const rows: Place[][] = [];
  /** Rows by the positions that they have left. */
  const byRoom = Array.from({ length: T + 1 }, (): number[] => []);
  for (const example of order) {
    const needed = examples[example].ids.length - 1;
    let room = needed;
    while (room <= T && byRoom[room].length === 0) room++;
    const row = room <= T ? byRoom[room].pop()! : rows.push([]) - 1;
    const left = Math.min(room, T);
    rows[row].push({ example, start: T - left });
    byRoom[left - needed].push(row);
  }
  return rows;
}
