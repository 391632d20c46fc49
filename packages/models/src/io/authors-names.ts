import { CheckpointError } from '@modajs/tensor';
import type { DecoderConfig, DecoderConfigInput } from '../config/decoder-config.ts';
import type { HostParameter } from '../decoder/load-parameters.ts';
import { rowsOf, stackedRows } from './rows.ts';

type Parameters = ReadonlyMap<string, HostParameter>;

/**
 * What the authors' `MoDADepthScalingGPT` fixes: post-norm, QK-norm of each head, biases, raw keys in the slots that get the
 * reader's norm and no RoPE, and an FFN projection in every block. `normEps` is their own RMSNorm's.
 * Source: hustvl/MoDA, `language_tasks/BlaGPT`.
 */
export const authorsFields = {
  norm: 'post',
  normKind: 'rms',
  normEps: 1e-8,
  qkNorm: 'head',
  bias: true,
  tieEmbeddings: true,
  activation: 'swiglu',
  positions: 'rope',
  ropeTheta: 10_000,
  ropeInterleaved: false,
  softmaxScale: null,
  depth: { kind: 'moda', lastProjection: true, keyNorm: 'reader', rope: 'none' },
} as const satisfies Partial<DecoderConfigInput>;

/** Ours to theirs, inside a block, for maps that only change their name. */
const inBlock = {
  'self_attn.o_proj': 'attn.c_proj',
  'mlp.up_proj': 'mlp.c_fc',
  'mlp.gate_proj': 'mlp.c_gate',
  'mlp.down_proj': 'mlp.c_proj',
} as const;

const norms = {
  post_attention_layernorm: 'ln_1',
  post_feedforward_layernorm: 'ln_2',
} as const;

/**
 * The authors' checkpoint by our names. Their rotation runs backwards (`y1 = x1 cos + x2 sin`), so the halves of every
 * head change places in whatever makes queries and keys; scores stay the same.
 *
 * @param config with `authorsFields` and their sizes
 * @throws CheckpointError for a missing tensor
 */
export function fromAuthorsNames(theirs: Parameters, config: DecoderConfig): Map<string, HostParameter> {
  const get = (name: string): HostParameter => {
    const found = theirs.get(name);
    if (found) return found;
    throw new CheckpointError(
      `authors: ${name} must be in the file, got ${theirs.size} other tensors. Is it a MoDADepthScalingGPT?`,
      {
        name,
      },
    );
  };
  const { nLayers, nHeads, nKvHeads, headDim } = config;
  const kvWidth = nKvHeads * headDim;
  const ours = new Map<string, HostParameter>();
  ours.set('model.embed_tokens.weight', get('transformer.wte.weight'));
  for (let layer = 0; layer < nLayers; layer++) {
    const [block, h] = [`model.layers.${layer}`, `transformer.h.${layer}`];
    for (const kind of ['weight', 'bias']) {
      for (const [name, their] of Object.entries(inBlock))
        ours.set(`${block}.${name}.${kind}`, get(`${h}.${their}.${kind}`));
      ours.set(`${block}.self_attn.q_proj.${kind}`, swappedHalves(get(`${h}.attn.q_proj.${kind}`), nHeads));
      const kv = get(`${h}.attn.kv_proj.${kind}`);
      ours.set(`${block}.self_attn.k_proj.${kind}`, swappedHalves(rowsOf(kv, 0, kvWidth), nKvHeads));
      ours.set(`${block}.self_attn.v_proj.${kind}`, rowsOf(kv, kvWidth, 2 * kvWidth));
      ours.set(`${block}.depth.ffn_kv_proj.${kind}`, swappedKeys(get(`${h}.mlp.kv_proj.${kind}`), nKvHeads));
    }
    for (const [name, their] of Object.entries(norms)) ours.set(`${block}.${name}.weight`, get(`${h}.${their}.weight`));
    for (const name of ['q_norm', 'k_norm']) {
      ours.set(`${block}.self_attn.${name}.weight`, swappedHalves(get(`${h}.attn.${name}.weight`), 1));
    }
  }
  ours.set('model.norm.weight', get('transformer.ln_f.weight'));
  return ours;
}

/** The inverse of `fromAuthorsNames`; the tied output matrix is written under both of their names. */
export function toAuthorsNames(
  ours: Parameters,
  { nLayers, nHeads, nKvHeads }: DecoderConfig,
): Map<string, HostParameter> {
  const get = (name: string): HostParameter => ours.get(name)!;
  const theirs = new Map<string, HostParameter>();
  for (const name of ['transformer.wte.weight', 'lm_head.weight']) theirs.set(name, get('model.embed_tokens.weight'));
  for (let layer = 0; layer < nLayers; layer++) {
    const [block, h] = [`model.layers.${layer}`, `transformer.h.${layer}`];
    for (const kind of ['weight', 'bias']) {
      for (const [name, their] of Object.entries(inBlock))
        theirs.set(`${h}.${their}.${kind}`, get(`${block}.${name}.${kind}`));
      theirs.set(`${h}.attn.q_proj.${kind}`, swappedHalves(get(`${block}.self_attn.q_proj.${kind}`), nHeads));
      const k = swappedHalves(get(`${block}.self_attn.k_proj.${kind}`), nKvHeads);
      theirs.set(`${h}.attn.kv_proj.${kind}`, stackedRows([k, get(`${block}.self_attn.v_proj.${kind}`)]));
      theirs.set(`${h}.mlp.kv_proj.${kind}`, swappedKeys(get(`${block}.depth.ffn_kv_proj.${kind}`), nKvHeads));
    }
    for (const [name, their] of Object.entries(norms))
      theirs.set(`${h}.${their}.weight`, get(`${block}.${name}.weight`));
    for (const name of ['q_norm', 'k_norm']) {
      theirs.set(`${h}.attn.${name}.weight`, swappedHalves(get(`${block}.self_attn.${name}.weight`), 1));
    }
  }
  theirs.set('transformer.ln_f.weight', get('model.norm.weight'));
  return theirs;
}

/** Each head's rows with the second half first. Its own inverse. */
function swappedHalves(x: HostParameter, heads: number): HostParameter {
  const half = x.shape[0] / heads / 2;
  const parts = Array.from({ length: heads }, (_, head) => {
    const start = 2 * half * head;
    return [rowsOf(x, start + half, start + 2 * half), rowsOf(x, start, start + half)];
  });
  return stackedRows(parts.flat());
}

/** As `swappedHalves` for the key half of a fused key/value projection. */
function swappedKeys(x: HostParameter, nKvHeads: number): HostParameter {
  const middle = x.shape[0] / 2;
  return stackedRows([swappedHalves(rowsOf(x, 0, middle), nKvHeads), rowsOf(x, middle, 2 * middle)]);
}
