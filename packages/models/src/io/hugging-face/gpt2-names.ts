import { CheckpointError } from '@modajs/tensor';
import type { HostParameter } from '../../decoder/load-parameters.ts';
import { rowsOf, stackedRows, transposed } from '../rows.ts';

type Parameters = ReadonlyMap<string, HostParameter>;

/** Ours to GPT-2's, for maps that only change their name (and, for matrices, are stored transposed). */
const inBlock = {
  input_layernorm: 'ln_1',
  'self_attn.o_proj': 'attn.c_proj',
  post_attention_layernorm: 'ln_2',
  'mlp.up_proj': 'mlp.c_fc',
  'mlp.down_proj': 'mlp.c_proj',
} as const;

const outside = {
  'model.embed_tokens.weight': 'wte.weight',
  'model.embed_positions.weight': 'wpe.weight',
  'model.norm.weight': 'ln_f.weight',
  'model.norm.bias': 'ln_f.bias',
} as const;

/** Causal masks that older versions of transformers kept among the weights. */
const storedMask = /(^|\.)h\.\d+\.attn\.(bias|masked_bias)$/;

const qkv = ['q_proj', 'k_proj', 'v_proj'] as const;

/**
 * GPT-2's tensors by our names: fused `c_attn` cut in three, its `[inputs, outputs]` matrices transposed, stored masks
 * dropped, a `transformer.` prefix ignored.
 *
 * @throws CheckpointError for a missing tensor, and for one that GPT-2 does not have
 */
export function fromGpt2Names(tensors: Parameters, nLayers: number): Map<string, HostParameter> {
  const read = new Set<string>();
  const find = (name: string): HostParameter | undefined => {
    const known = [name, `transformer.${name}`].find((one) => tensors.has(one));
    if (known !== undefined) read.add(known);
    return known === undefined ? undefined : tensors.get(known);
  };
  const get = (name: string): HostParameter => {
    const found = find(name);
    if (found) return found;
    throw new CheckpointError(
      `gpt2: ${name} must be in the file, got ${tensors.size} other tensors. Is a shard missing?`,
      {
        name,
      },
    );
  };
  const ours = new Map<string, HostParameter>();
  for (const [name, theirs] of Object.entries(outside)) ours.set(name, get(theirs));
  for (let layer = 0; layer < nLayers; layer++) {
    for (const [name, theirs] of Object.entries(inBlock)) {
      const weight = get(`h.${layer}.${theirs}.weight`);
      ours.set(`model.layers.${layer}.${name}.weight`, weight.shape.length === 2 ? transposed(weight) : weight);
      ours.set(`model.layers.${layer}.${name}.bias`, get(`h.${layer}.${theirs}.bias`));
    }
    const weight = transposed(get(`h.${layer}.attn.c_attn.weight`));
    const bias = get(`h.${layer}.attn.c_attn.bias`);
    const third = weight.shape[0] / 3;
    qkv.forEach((part, i) => {
      const name = `model.layers.${layer}.self_attn.${part}`;
      ours.set(`${name}.weight`, rowsOf(weight, i * third, (i + 1) * third));
      ours.set(`${name}.bias`, rowsOf(bias, i * third, (i + 1) * third));
    });
  }
  const head = find('lm_head.weight');
  if (head) ours.set('lm_head.weight', head);
  for (const name of tensors.keys()) {
    if (read.has(name) || storedMask.test(name)) continue;
    const message = `gpt2: every tensor must be one of GPT-2's, got ${name}. What it does is not known here.`;
    throw new CheckpointError(message, { name });
  }
  return ours;
}

/** The inverse of `fromGpt2Names`, with the `transformer.` prefix that `GPT2LMHeadModel` writes. */
export function toGpt2Names(ours: Parameters, nLayers: number): Map<string, HostParameter> {
  const theirs = new Map<string, HostParameter>();
  for (const [name, gpt2] of Object.entries(outside)) theirs.set(`transformer.${gpt2}`, ours.get(name)!);
  for (let layer = 0; layer < nLayers; layer++) {
    for (const [name, gpt2] of Object.entries(inBlock)) {
      const weight = ours.get(`model.layers.${layer}.${name}.weight`)!;
      theirs.set(`transformer.h.${layer}.${gpt2}.weight`, weight.shape.length === 2 ? transposed(weight) : weight);
      theirs.set(`transformer.h.${layer}.${gpt2}.bias`, ours.get(`model.layers.${layer}.${name}.bias`)!);
    }
    const parts = (what: string) => qkv.map((part) => ours.get(`model.layers.${layer}.self_attn.${part}.${what}`)!);
    theirs.set(`transformer.h.${layer}.attn.c_attn.weight`, transposed(stackedRows(parts('weight'))));
    theirs.set(`transformer.h.${layer}.attn.c_attn.bias`, stackedRows(parts('bias')));
  }
  const head = ours.get('lm_head.weight');
  if (head) theirs.set('lm_head.weight', head);
  return theirs;
}
