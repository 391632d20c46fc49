import { type AttentionMap, type AttentionStatistics, attentionMap, attentionStatistics } from '@modajs/moda';
import { type Decoder, slotOrigins } from '@modajs/models';
import { DataError, noGrad, type Tensor, tensor, withoutScope } from '@modajs/tensor';
import type { Tokenizer } from '@modajs/tokenizer';
import type { AttentionMaps, LayerMap } from './attention-messages.ts';

/** Tokens of a prompt that are drawn: more make cells too small to see. */
export const MAX_TOKENS = 64;

/** What a prompt needs of a tokenizer. */
export type PromptCodec = Pick<Tokenizer, 'encode' | 'bytesOf'>;

interface LayerTensors {
  readonly map: AttentionMap;
  readonly statistics: AttentionStatistics;
}

/**
 * Attention of every layer and head on a prompt, in one forward pass: the library's own maps and statistics.
 *
 * @throws DataError for a prompt without tokens; ConfigError for a model whose depth part has no fixed columns
 */
export async function mapPrompt(decoder: Decoder, tokenizer: PromptCodec, prompt: string): Promise<AttentionMaps> {
  const all = tokenizer.encode(prompt);
  if (all.length === 0)
    throw new DataError('attention: the prompt must have at least one token, got "". Type a few words.', { prompt });
  const ids = all.slice(0, MAX_TOKENS);
  const found = forward(decoder, ids);
  const layers: LayerMap[] = [];
  const depthMass: number[][] = [];
  const sinkMass: number[][] = [];
  for (const [layer, { map, statistics }] of found.entries()) {
    layers.push({
      sequence: await values(map.sequence),
      depth: map.depth ? await values(map.depth) : new Float32Array(),
      slots: map.depth ? slotOrigins(decoder.config, layer) : [],
    });
    depthMass.push(await meanByHead(statistics.depthMass));
    sinkMass.push(await meanByHead(statistics.sinkMass));
    for (const made of [map.sequence, map.depth, ...Object.values(statistics)]) made?.dispose();
  }
  return {
    prompt,
    tokens: Array.from(ids, (id) => tokenText(tokenizer, id)),
    tokensLeftOut: all.length - ids.length,
    nHeads: decoder.config.nHeads,
    layers,
    depthMass,
    sinkMass,
  };
}

function forward(decoder: Decoder, ids: Int32Array): LayerTensors[] {
  const found: LayerTensors[] = [];
  const input = tensor(ids, { shape: [1, ids.length], dtype: 'i32', device: decoder.device });
  try {
    const hidden = noGrad(() =>
      decoder.forward(input, {
        onAttention: (layer, probe) => {
          found[layer] = withoutScope(() => ({ map: attentionMap(probe), statistics: attentionStatistics(probe) }));
        },
      }),
    );
    hidden.dispose();
  } finally {
    input.dispose();
  }
  return found;
}

async function values(x: Tensor): Promise<Float32Array> {
  return Float32Array.from(await x.data());
}

/** Means over positions of `[1, H, T]`. */
async function meanByHead(x: Tensor): Promise<number[]> {
  const [, H, T] = x.shape;
  const all = await values(x);
  return Array.from({ length: H }, (_, h) => all.slice(h * T, (h + 1) * T).reduce((sum, value) => sum + value, 0) / T);
}

/** A token as it is read, its spaces and line breaks visible; bytes of half a character as hexadecimal. */
function tokenText(tokenizer: PromptCodec, id: number): string {
  const bytes = tokenizer.bytesOf(id);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
      .decode(bytes)
      .replaceAll(' ', '␣')
      .replaceAll('\n', '⏎')
      .replaceAll('\t', '⇥');
  } catch {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  }
}
