import type { DecodeBlocksConfig, DecodeRotary } from '@modajs/kernels';
import { ConfigError, type Tensor } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { normAfter, normBefore } from '../decoder/block.ts';
import type { DecoderCache } from '../decoder/decoder-cache.ts';
import { scaledFrequencies } from '../decoder/rotation.ts';
import { depthSlots, fusedDepth } from '../depth/decoder-depth.ts';
import type { FusedDepth } from '../depth/depth-mechanism.ts';
import type { SubLayer } from '../depth/depth-path.ts';
import type { DecodeBuffers } from './decode-buffers.ts';
import type { BlockCall, BlockWeight, DecodeProgram, ProductCall, ProgramWeight } from './decode-program.ts';
import type { DecodeVectors } from './decode-vectors.ts';

/** What the recording of one model's decoding reads. */
export interface DecodeSources {
  readonly config: DecoderConfig;
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly vectors: DecodeVectors;
  readonly buffers: DecodeBuffers;
  readonly cache: DecoderCache;
}

/**
 * Records one token through all blocks to the logits: in one kernel, or five a block: q, k, v; attention; output; gate and up; down.
 * Each product begins with the residual sum and norms of the sub-layer before it. MoDA's FFN projection rides with gate and
 * up, its slot is normalised where the next block reads it: depth adds no kernel.
 */
export class DecodeRecorder {
  /** Which of the two residual sums is current, and which sub-layer's output waits to be added to it. */
  #current = 0;
  #pending: { readonly layer: number; readonly part: SubLayer } | null = null;

  /** What the kernels know of the depth slots; null without. */
  readonly #slots: FusedDepth['slots'];

  constructor(
    private readonly program: DecodeProgram,
    private readonly sources: DecodeSources,
  ) {
    this.#slots = sources.buffers.depth && (fusedDepth(sources.config)?.slots ?? null);
  }

  /**
   * Records everything.
   *
   * @param oneKernel how one kernel for all blocks is cut, whose workgroups pass numbers to each other; null for five a block
   * @throws KernelError when a kernel does not fit the device
   */
  record(oneKernel: DecodeBlocksConfig | null): void {
    const { config, parameters, buffers } = this.sources;
    const table = parameters['model.embed_tokens.weight'];
    if (oneKernel) this.#blocks(table, oneKernel);
    else {
      this.program.embed(table, buffers.state, buffers.sums[0]);
      for (let layer = 0; layer < config.nLayers; layer++) {
        this.#attention(layer);
        this.#feedForward(layer);
      }
    }
    const weight = config.tieEmbeddings ? table : parameters['lm_head.weight'];
    this.#product([{ weight, out: 0, bias: null }], buffers.logits, 'model.norm.weight');
  }

  /** All blocks at once; the last sub-layer's output waits to be added. */
  #blocks(table: Tensor, oneKernel: DecodeBlocksConfig): void {
    const { config, vectors, buffers } = this.sources;
    const { nHeads: H, nKvHeads: Hkv, headDim: D, dModel: C, dFf: F, norm, qkNorm, normEps: eps, nLayers } = config;
    const depth = this.#slots && { hasNorm: this.#slots.hasNorm, hasRope: this.#slots.hasRope };
    if (norm === 'sandwich') throw new ConfigError("decode: fused blocks know no norm 'sandwich'.");
    const rotary = this.#rotary();
    const scale = config.softmaxScale ?? 1 / Math.sqrt(D);
    this.program.blocks({
      problem: { C, F, H, Hkv, D, splits: buffers.splits, norm, qkNorm, eps, scale, rotary, depth },
      blocks: Array.from({ length: nLayers }, (_, layer) => this.#block(layer)),
      table,
      state: buffers.state,
      vectors: vectors.tensor,
      depth: buffers.depth,
      exchange: buffers.exchange,
      x: buffers.sums[0],
      y: buffers.y,
      config: oneKernel,
    });
    this.#pending = { layer: nLayers - 1, part: 'ffn' };
  }

  #block(layer: number): BlockCall {
    const { config, parameters, vectors, cache } = this.sources;
    const name = `model.layers.${layer}`;
    const weight = (part: string): BlockWeight => this.#weight(`${name}.${part}`, 0);
    const maybe = (part: string): BlockWeight | null =>
      this.#writesSlot(layer) && `${name}.${part}.weight` in parameters ? weight(part) : null;
    const norm = (of: string): number => vectors.find(`${of}.weight`) ?? 0;
    // Where norms follow a sub-layer, the attention begins with that of the previous block's FFN.
    const attentionNorm = normBefore(config, layer, 'attention') ?? normAfter(config, Math.max(layer - 1, 0), 'ffn')!;
    const depth = this.#depth(layer, 0);
    return {
      q: weight('self_attn.q_proj'),
      k: weight('self_attn.k_proj'),
      v: weight('self_attn.v_proj'),
      attentionKv: maybe('depth.attn_kv_proj'),
      output: weight('self_attn.o_proj'),
      gate: weight('mlp.gate_proj'),
      up: weight('mlp.up_proj'),
      down: weight('mlp.down_proj'),
      ffnSlot: this.#slots?.hasFfnSlot ? maybe('depth.ffn_kv_proj') : null,
      attentionNorm: norm(attentionNorm),
      ffnNorm: norm(normBefore(config, layer, 'ffn') ?? normAfter(config, layer, 'attention')!),
      qNorm: norm(`${name}.self_attn.q_norm`),
      kNorm: norm(`${name}.self_attn.k_norm`),
      ffnKvNorm: depth?.ffnKv?.norm ?? 0,
      slots: depth && {
        first: depth.first,
        end: depth.end,
        ffnKv: depth.ffnKv?.slot ?? null,
        written: depth.attentionKv?.slot ?? null,
      },
      cacheK: cache.layers[layer].k,
      cacheV: cache.layers[layer].v,
    };
  }

  /** One rotation for all layers: others are not decoded here. */
  #rotary(): DecodeRotary {
    const { ropeTheta: theta, ropeInterleaved: isInterleaved } = this.sources.config;
    const frequencies = scaledFrequencies(this.sources.config, 0) ?? undefined;
    return { theta, frequencies, isInterleaved };
  }

  #weight(name: string, out: number): ProgramWeight {
    const { parameters, vectors } = this.sources;
    return { weight: parameters[`${name}.weight`], out, bias: vectors.find(`${name}.bias`) };
  }

  /** A product whose input is the residual sum with what waits for it. `norm` names the weight of a norm of the sum. */
  #product(weights: readonly ProgramWeight[], out: Tensor, norm: string | null, isPaired = false): void {
    const { config, vectors, buffers } = this.sources;
    const pending = this.#pending;
    const isLast = out === buffers.logits;
    const hasCarry = pending !== null && !isLast;
    const after = pending && normAfter(config, pending.layer, pending.part);
    const input: ProductCall['input'] = {
      kind: 'residual',
      hasY: pending !== null,
      normOf: after === null ? null : config.norm === 'post' ? 'sum' : 'y',
      norm: after ? vectors.start(`${after}.weight`) : 0,
      inputNorm: norm === null ? null : vectors.start(norm),
      hasCarry,
      eps: config.normEps,
    };
    const x = buffers.sums[this.#current];
    if (hasCarry) this.#current = 1 - this.#current;
    const carry = hasCarry ? buffers.sums[this.#current] : null;
    this.program.product({ input, x, y: pending && buffers.y, vectors: vectors.tensor, weights, isPaired, out, carry });
    this.#pending = null;
  }

  /** A product of a row that is not the residual sum; its result waits to be added. */
  #output(layer: number, part: SubLayer, input: ProductCall['input'], x: Tensor, y: Tensor | null, name: string): void {
    const { vectors, buffers } = this.sources;
    const weights = [this.#weight(name, 0)];
    this.program.product({ input, x, y, vectors: vectors.tensor, weights, out: buffers.y, carry: null });
    this.#pending = { layer, part };
  }

  #inputNorm(layer: number, part: SubLayer): string | null {
    const name = normBefore(this.sources.config, layer, part);
    return name && `${name}.weight`;
  }

  #attention(layer: number): void {
    const { config, parameters, vectors, buffers, cache } = this.sources;
    const { nHeads: H, nKvHeads: Hkv, headDim: D } = config;
    const name = `model.layers.${layer}`;
    const [q, kv] = [H * D, Hkv * D];
    const projection = `${name}.depth.attn_kv_proj`;
    const isProjected = this.#writesSlot(layer) && `${projection}.weight` in parameters;
    const weights = [
      this.#weight(`${name}.self_attn.q_proj`, 0),
      this.#weight(`${name}.self_attn.k_proj`, q),
      this.#weight(`${name}.self_attn.v_proj`, q + kv),
      ...(isProjected ? [this.#weight(projection, q + 2 * kv)] : []),
    ];
    this.#product(weights, buffers.raw, this.#inputNorm(layer, 'attention'));
    const { k: cacheK, v: cacheV } = cache.layers[layer];
    this.program.attention({
      problem: {
        H,
        Hkv,
        D,
        splits: buffers.splits,
        scale: config.softmaxScale ?? 1 / Math.sqrt(D),
        qkNorm: config.qkNorm,
        eps: config.normEps,
        qNorm: vectors.find(`${name}.self_attn.q_norm.weight`) ?? 0,
        kNorm: vectors.find(`${name}.self_attn.k_norm.weight`) ?? 0,
        rotary: this.#rotary(),
        depth: this.#depth(layer, isProjected ? q + 2 * kv : q),
      },
      state: buffers.state,
      raw: buffers.raw,
      ffnKv: buffers.hidden,
      vectors: vectors.tensor,
      cacheK,
      cacheV,
      depth: buffers.depth,
      out: buffers.partial,
      statistics: buffers.statistics,
    });
    const merge = { kind: 'merge', splits: buffers.splits, headDim: D } as const;
    this.#output(layer, 'attention', merge, buffers.partial, buffers.statistics, `${name}.self_attn.o_proj`);
  }

  /** Slots that the layer reads and writes; `kvStart`: where the keys of its attention's slot begin in `raw`. */
  #depth(layer: number, kvStart: number) {
    const { config, vectors } = this.sources;
    if (!this.#slots) return null;
    const { hasNorm, hasRope, hasFfnSlot } = this.#slots;
    const { perBlock, readBy } = depthSlots(config);
    const end = layer * perBlock;
    const norm = vectors.find(`model.layers.${layer - 1}.self_attn.k_norm.weight`) ?? 0;
    return {
      first: end - readBy(layer),
      end,
      ffnKv: hasFfnSlot && layer > 0 ? { slot: end - 1, start: config.dFf, norm } : null,
      attentionKv: this.#writesSlot(layer) ? { slot: end, start: kvStart } : null,
      hasNorm,
      hasRope,
    };
  }

  #writesSlot(layer: number): boolean {
    const { config, buffers } = this.sources;
    return buffers.depth !== null && layer < config.nLayers - 1;
  }

  #feedForward(layer: number): void {
    const { config, buffers } = this.sources;
    const name = `model.layers.${layer}`;
    const hasSlot = this.#slots?.hasFfnSlot && this.#writesSlot(layer);
    const weights = [
      this.#weight(`${name}.mlp.gate_proj`, 0),
      this.#weight(`${name}.mlp.up_proj`, 0),
      ...(hasSlot ? [this.#weight(`${name}.depth.ffn_kv_proj`, config.dFf)] : []),
    ];
    this.#product(weights, buffers.hidden, this.#inputNorm(layer, 'ffn'), true);
    this.#output(layer, 'ffn', { kind: 'plain' }, buffers.hidden, null, `${name}.mlp.down_proj`);
  }
}
