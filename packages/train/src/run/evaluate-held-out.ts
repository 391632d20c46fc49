import { noGrad, tidy } from '@modajs/tensor';
import { documentRanges, type HostBatch, IGNORED_TARGET } from '../data/batch.ts';
import type { PackedRows } from '../data/packed-rows.ts';
import type { Collective } from '../distributed/collective.ts';
import { rowsOf, upload } from './replayed-gradients.ts';
import type { TrainableModel } from './trainable-model.ts';

/** Held-out tokens of one domain. */
export interface HeldOutText {
  readonly name: string;
  /** The first token is context only; all others are predicted. */
  readonly tokens: Int32Array;
  /** UTF-8 bytes of text that the predicted tokens stand for: separators between documents have none. */
  readonly bytes: number;
  /** Of conversations: the rows that are evaluated, whose answers alone are predicted. `tokens` are then for show. */
  readonly rows?: PackedRows;
}

/** Tokens of a text that are predicted. */
export function predictedTokens({ tokens, rows }: HeldOutText): number {
  return rows?.targets ?? tokens.length - 1;
}

/** How to read it. */
export interface HeldOutOptions {
  readonly T: number;
  /** New tokens in a window, 1 to T: the rest of the window is context that was scored before. */
  readonly stride: number;
  /** Windows computed at once. */
  readonly B: number;
  /** At most this many tokens are predicted, in windows spread evenly over the text. */
  readonly maxTokens: number;
  /** Ends a document when training packs documents that do not see each other: the same mask then holds here. */
  readonly separator?: number | null;
  /** Ranks that share the work; each gets the same result. */
  readonly collective?: Collective | null;
}

/** What an evaluation found. */
export interface HeldOutResult {
  /** Mean nats per predicted token. */
  readonly loss: number;
  /** Bits per byte of text: exact when every token was predicted, else by the text's mean bytes per token. */
  readonly bitsPerByte: number;
  readonly tokens: number;
}

/** Rows of one evaluation, as many at a time as the options say, and how many of their targets count. */
interface HeldOutBatch {
  readonly host: HostBatch;
  readonly counted: number;
}

interface Window {
  /** First input token. */
  readonly start: number;
  /** Inputs of the window. */
  readonly length: number;
  /** Inputs at its end whose targets count. */
  readonly scored: number;
}

/**
 * Mean loss over held-out tokens in sliding windows: each token is predicted once, from at least `T - stride` tokens of
 * context except at the start of the text (of its document, with a separator). Of packed conversations every answer is predicted from
 * all that stands before it. Deterministic; gradients are not recorded.
 */
export async function evaluateHeldOut(
  model: TrainableModel,
  text: HeldOutText,
  options: HeldOutOptions,
): Promise<HeldOutResult> {
  const batches = text.rows ? rowBatches(text.rows, options) : windowBatches(text.tokens, options);
  const { device } = Object.values(model.parameters())[0];
  const { rank, size } = options.collective ?? { rank: 0, size: 1 };
  let nats = 0;
  let tokens = 0;
  for (let i = rank; i < batches.length; i += size) {
    const { host, counted } = batches[i]();
    const loss = noGrad(() =>
      tidy(() => {
        const { ids, targets, docRange } = upload(rowsOf(host, 0, options.B), device);
        return model.loss(ids, targets, { docRange, ignoreIndex: IGNORED_TARGET });
      }),
    );
    nats += (await loss.item()) * counted;
    device.endStep();
    loss.dispose();
    tokens += counted;
  }
  if (options.collective) {
    const sums = Float64Array.of(nats, tokens);
    await options.collective.allReduce(sums);
    [nats, tokens] = sums;
  }
  const loss = nats / tokens;
  return { loss, bitsPerByte: ((loss / Math.LN2) * predictedTokens(text)) / text.bytes, tokens };
}

/** Windows over `count` predictions; the first scores up to T, each later one the next `stride`. */
function slidingWindows(count: number, { T, stride }: HeldOutOptions): Window[] {
  const windows: Window[] = [];
  for (let done = 0; done < count; ) {
    const scored = Math.min(done === 0 ? T : stride, count - done);
    const end = done + scored;
    const start = Math.max(0, end - T);
    windows.push({ start, length: end - start, scored });
    done = end;
  }
  return windows;
}

/** As many parts as are wanted, evenly spread, at least one. */
function evenly<Part>(parts: readonly Part[], most: number): readonly Part[] {
  const wanted = Math.max(1, Math.ceil(most));
  if (parts.length <= wanted) return parts;
  return Array.from({ length: wanted }, (_, i) => parts[Math.floor((i * parts.length) / wanted)]);
}

/** `count` items, so many at a time; each batch is made when it is called. */
function batchesOf(count: number, B: number, make: (first: number, end: number) => HeldOutBatch) {
  return Array.from({ length: Math.ceil(count / B) }, (_, i) => () => make(i * B, Math.min(count, (i + 1) * B)));
}

// One shape for every batch: the rows that are missing at the end hold ignored targets.

function windowBatches(tokens: Int32Array, options: HeldOutOptions) {
  const windows = evenly(slidingWindows(tokens.length - 1, options), options.maxTokens / options.stride);
  return batchesOf(windows.length, options.B, (first, end) => {
    const batch = windows.slice(first, end);
    const counted = batch.reduce((sum, { scored }) => sum + scored, 0);
    return { host: windowBatch(tokens, batch, options), counted };
  });
}

function rowBatches(rows: PackedRows, { maxTokens, B }: HeldOutOptions) {
  const { T, count } = rows;
  const indices = evenly(
    Array.from({ length: count }, (_, i) => i),
    maxTokens / T,
  );
  return batchesOf(indices.length, B, (first, end) => {
    const ids = new Int32Array(B * T);
    const targets = new Int32Array(B * T).fill(IGNORED_TARGET);
    const docRange = documentRanges(ids, B, T, null);
    for (let i = first; i < end; i++) {
      const row = rows.row(indices[i]);
      const b = i - first;
      ids.set(row.ids, b * T);
      targets.set(row.targets, b * T);
      docRange.set(row.docRange, 2 * b * T);
    }
    const counted = targets.reduce((sum, target) => sum + (target === IGNORED_TARGET ? 0 : 1), 0);
    return { host: { B, T, ids, targets, docRange, next: { drawn: 0, bySource: [] } }, counted };
  });
}

function windowBatch(
  tokens: Int32Array,
  windows: readonly Window[],
  { B, T, separator = null }: HeldOutOptions,
): HostBatch {
  const ids = new Int32Array(B * T);
  const targets = new Int32Array(B * T).fill(IGNORED_TARGET);
  for (const [row, { start, length, scored }] of windows.entries()) {
    ids.set(tokens.subarray(start, start + length), row * T);
    const from = length - scored;
    targets.set(tokens.subarray(start + from + 1, start + length + 1), row * T + from);
  }
  const docRange = separator === null ? null : documentRanges(ids, B, T, separator);
  return { B, T, ids, targets, docRange, next: { drawn: 0, bySource: [] } };
}
