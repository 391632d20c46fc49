import { DataError } from '@modajs/tensor';
import { evaluateHeldOut, type HeldOutOptions, type HeldOutText, predictedTokens } from './evaluate-held-out.ts';
import type { TrainableModel } from './trainable-model.ts';

/**
 * `heldOutLoss`, `heldOutBitsPerByte` over all sources and, when there are several, `heldOutLoss/<source>`,
 * `heldOutBitsPerByte/<source>` and `heldOutPerplexity/<source>`.
 */
export type DomainNumbers = Record<string, number>;

/**
 * Evaluates the held-out text of each source. The totals weigh sources by all of their held-out tokens, also where only a part of
 * them is read: they mean the same on the way and at the end. Empty without held-out text.
 *
 * @throws DataError when two texts have one name: one would hide the other
 */
export async function evaluateDomains(
  model: TrainableModel,
  heldOut: readonly HeldOutText[],
  options: HeldOutOptions,
): Promise<DomainNumbers> {
  requireDistinctNames(heldOut);
  const numbers: DomainNumbers = {};
  let nats = 0;
  let tokens = 0;
  let bytes = 0;
  for (const text of heldOut) {
    const { loss, bitsPerByte } = await evaluateHeldOut(model, text, options);
    const predicted = predictedTokens(text);
    nats += loss * predicted;
    tokens += predicted;
    bytes += text.bytes;
    if (heldOut.length === 1) continue;
    numbers[`heldOutLoss/${text.name}`] = loss;
    numbers[`heldOutBitsPerByte/${text.name}`] = bitsPerByte;
    numbers[`heldOutPerplexity/${text.name}`] = Math.exp(loss);
  }
  if (tokens === 0) return numbers;
  return { heldOutLoss: nats / tokens, heldOutBitsPerByte: nats / Math.LN2 / bytes, ...numbers };
}

/** Losses by source in a row of metrics, when there are several. */
export function lossesBySource(row: Readonly<Record<string, unknown>>): SourceLosses {
  const prefix = 'heldOutLoss/';
  const names = Object.keys(row).filter((key) => key.startsWith(prefix));
  return names.map((key) => {
    const source = key.slice(prefix.length);
    return { source, loss: Number(row[key]), bitsPerByte: Number(row[`heldOutBitsPerByte/${source}`]) };
  });
}

/** Held-out losses of the sources of a run, in nats per token and bits per byte of text. */
export type SourceLosses = readonly { readonly source: string; readonly loss: number; readonly bitsPerByte: number }[];

function requireDistinctNames(heldOut: readonly HeldOutText[]): void {
  const seen = new Set<string>();
  for (const { name } of heldOut) {
    if (seen.has(name)) {
      throw new DataError(`data: the names of sources must differ, got "${name}" twice. Give each one of its own.`, {
        name,
      });
    }
    seen.add(name);
  }
}
