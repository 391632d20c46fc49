import { noGrad, tidy } from '@modajs/tensor';
import { documentRanges, type HostBatch, IGNORED_TARGET } from '../data/batch.ts';
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
 * context except at the start of the text (of its document, with a separator). Deterministic; gradients are not recorded.
 */
export async function evaluateHeldOut(
  model: TrainableModel,
  text: HeldOutText,
  options: HeldOutOptions,
): Promise<HeldOutResult> {
  const windows = evenly(slidingWindows(text.tokens.length - 1, options), options);
  const { device } = Object.values(model.parameters())[0];
  const { rank, size } = options.collective ?? { rank: 0, size: 1 };
  let nats = 0;
  let tokens = 0;
  for (let first = rank * options.B; first < windows.length; first += size * options.B) {
    const batch = windows.slice(first, first + options.B);
    const counted = batch.reduce((sum, { scored }) => sum + scored, 0);
    const loss = noGrad(() =>
      tidy(() => {
        // One shape for every batch: the rows that are missing at the end hold ignored targets.
        const { ids, targets, docRange } = upload(
          rowsOf(windowBatch(text.tokens, batch, options), 0, options.B),
          device,
        );
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
  return { loss, bitsPerByte: ((loss / Math.LN2) * (text.tokens.length - 1)) / text.bytes, tokens };
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

/** As many windows as the token limit allows, evenly spread, at least one. */
function evenly(windows: readonly Window[], { maxTokens, stride }: HeldOutOptions): readonly Window[] {
  const wanted = Math.max(1, Math.ceil(maxTokens / stride));
  if (windows.length <= wanted) return windows;
  return Array.from({ length: wanted }, (_, i) => windows[Math.floor((i * windows.length) / wanted)]);
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
