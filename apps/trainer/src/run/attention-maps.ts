import { attentionMap } from '@modajs/moda';
import { type Decoder, hasAttentionMaps, readsSlots, visibleChunk } from '@modajs/models';
import { noGrad, type Tensor, tensor, withoutScope } from '@modajs/tensor';
import type { Tokenizer } from '@modajs/tokenizer';
import type { AttentionMap } from '@modajs/train';

/** Positions of a text that are drawn: more do not fit beside their tokens. */
const MAX_POSITIONS = 32;

/**
 * Attention maps of four blocks spread over the model (the paper's Fig. 5 draws {0, 11, 23, 35} of 36), one head of each.
 * Empty for a text without tokens, and for models whose depth keys have no fixed columns, or whose attention is soft-capped or gated, which is not observed.
 */
export async function attentionMaps(decoder: Decoder, tokenizer: Tokenizer, text: string): Promise<AttentionMap[]> {
  const { config } = decoder;
  const { nLayers, depth } = config;
  const hasColumns = depth.kind === 'residual' || (readsSlots(config) && visibleChunk(config) === 1);
  if (!hasColumns || !hasAttentionMaps(config)) return [];
  const ids = tokenizer.encode(text.slice(0, 400));
  if (ids.length === 0) return [];
  const T = Math.min(MAX_POSITIONS, ids.length);
  const tokens = Array.from({ length: T }, (_, t) => tokenizer.decode([ids[t]]));
  const layers = new Set([0, 1, 2, 3].map((i) => Math.round((i * (nLayers - 1)) / 3)));
  const found: { layer: number; sequence: Tensor; depth: Tensor | null }[] = [];
  const input = tensor(Int32Array.from(ids).subarray(0, T), { shape: [1, T], dtype: 'i32', device: decoder.device });
  const hidden = noGrad(() =>
    decoder.forward(input, {
      onAttention: (layer, probe) => {
        if (layers.has(layer)) found.push({ layer, ...withoutScope(() => attentionMap(probe)) });
      },
    }),
  );
  hidden.dispose();
  input.dispose();
  const maps: AttentionMap[] = [];
  for (const { layer, sequence, depth: slots } of found) {
    const head = layer % decoder.config.nHeads;
    maps.push({
      layer,
      head,
      T,
      sequence: await headOf(sequence, head),
      tokens,
      S: slots?.shape[3] ?? 0,
      depth: slots ? await headOf(slots, head) : [],
    });
    sequence.dispose();
    slots?.dispose();
  }
  return maps;
}

/** `[T, columns]` of one head out of `[1, H, T, columns]`. */
async function headOf(map: Tensor, head: number): Promise<ArrayLike<number>> {
  const [, , T, columns] = map.shape;
  const all = await map.data();
  return all.slice(head * T * columns, (head + 1) * T * columns);
}
