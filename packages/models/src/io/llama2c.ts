import { CheckpointError } from '@modajs/tensor';
import { defineDecoderConfig } from '../config/define-decoder-config.ts';
import type { HostParameter } from '../decoder/load-parameters.ts';
import type { ModelWeights } from './model-weights.ts';

const headerBytes = 28;

/**
 * Reads a model in llama2.c's first format (`stories15M.bin` and its kin): a header of seven i32 (dim, hidden_dim,
 * n_layers, n_heads, n_kv_heads, vocab_size, seq_len), then f32 weights kind by kind over all layers. A negative
 * vocab_size says that the output matrix is its own.
 *
 * @throws CheckpointError when the header makes no sense or the file's length does not fit it
 * Reference: github.com/karpathy/llama2.c, `export.py`, `legacy_export`.
 */
export function readLlama2c(file: Uint8Array): ModelWeights {
  if (file.length < headerBytes) throw damaged('the header needs 28 bytes', `${file.length}`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const [dModel, dFf, nLayers, nHeads, nKvHeads, signedVocab, seqLen] = Array.from({ length: 7 }, (_, i) =>
    view.getInt32(4 * i, true),
  );
  const sizes = [dModel, dFf, nLayers, nHeads, nKvHeads, Math.abs(signedVocab), seqLen];
  if (sizes.some((size) => size < 1 || size > 2 ** 24) || dModel % nHeads !== 0 || nHeads % nKvHeads !== 0) {
    throw damaged('the header must hold seven sizes that fit together', `[${sizes}]`);
  }
  const config = defineDecoderConfig({
    nLayers,
    nHeads,
    nKvHeads,
    dModel,
    dFf,
    seqLen,
    vocabSize: Math.abs(signedVocab),
    norm: 'pre',
    normEps: 1e-5,
    qkNorm: 'none',
    ropeTheta: 10_000,
    ropeInterleaved: true,
    tieEmbeddings: signedVocab > 0,
  });
  const parameters = new Map<string, HostParameter>();
  let offset = headerBytes;
  const take = (name: string, shape: readonly number[]): void => {
    const count = shape.reduce((product, length) => product * length, 1);
    if (offset + 4 * count > file.length)
      throw damaged(`${name} needs bytes up to ${offset + 4 * count}`, `${file.length}`);
    parameters.set(name, {
      shape,
      data: new Float32Array(new Uint8Array(file.subarray(offset, offset + 4 * count)).buffer),
    });
    offset += 4 * count;
  };
  const takeLayers = (name: string, shape: readonly number[]): void => {
    for (let layer = 0; layer < nLayers; layer++) take(`model.layers.${layer}.${name}.weight`, shape);
  };
  const kvWidth = config.headDim * nKvHeads;
  take('model.embed_tokens.weight', [config.vocabSize, dModel]);
  takeLayers('input_layernorm', [dModel]);
  takeLayers('self_attn.q_proj', [dModel, dModel]);
  takeLayers('self_attn.k_proj', [kvWidth, dModel]);
  takeLayers('self_attn.v_proj', [kvWidth, dModel]);
  takeLayers('self_attn.o_proj', [dModel, dModel]);
  takeLayers('post_attention_layernorm', [dModel]);
  takeLayers('mlp.gate_proj', [dFf, dModel]);
  takeLayers('mlp.down_proj', [dModel, dFf]);
  takeLayers('mlp.up_proj', [dFf, dModel]);
  take('model.norm.weight', [dModel]);
  // Two tables of rotary angles follow; they are computed here instead.
  offset += 4 * seqLen * config.headDim;
  if (!config.tieEmbeddings) take('lm_head.weight', [config.vocabSize, dModel]);
  if (offset !== file.length) throw damaged(`the header asks for ${offset} bytes`, `${file.length}`);
  return { config, parameters };
}

function damaged(rule: string, got: string): CheckpointError {
  return new CheckpointError(`llama2.c: ${rule}, got ${got}. Is this a whole llama2.c model file?`);
}
