import { type AttentionLayerContext, DepthStream, ScoredStream, type SlotStream } from '@modajs/moda';
import {
  add,
  affine,
  ConfigError,
  checkpoint,
  type Device,
  type DType,
  embedding,
  linear,
  linearCrossEntropy,
  ParameterCopies,
  QuantizedMatrix,
  reshape,
  ShapeError,
  type Tensor,
  tanh,
  tensor,
  tidy,
} from '@modajs/tensor';
import { checkedLater, checkOptions, dtypeName, flag, type OptionChecks } from '@modajs/tensor/checks';
import type { LoraAdapter } from '../adapter/lora-adapter.ts';
import { adaptableMaps } from '../adapter/lora-config.ts';
import type { DecoderConfig } from '../config/decoder-config.ts';
import {
  arenaSlots,
  attentionSlots,
  canRecompute,
  createDepthPath,
  createValueMixer,
  depthSlots,
  readsSlots,
  visibleChunk,
} from '../depth/decoder-depth.ts';
import type { DepthPass } from '../depth/depth-mechanism.ts';
import { mechanisms } from '../depth/mechanisms.ts';
import { type ResidualAdd, residualPath } from '../depth/residual/residual-path.ts';
import { countFlops, type FlopCount } from '../parameters/count-flops.ts';
import { countSpecs } from '../parameters/count-parameters.ts';
import { decoderSpecs } from '../parameters/decoder-specs.ts';
import type { ParameterSpecs } from '../parameters/parameter-spec.ts';
import { applyNorm, blockCall, normAfter, normOfSum, runBlock, runCustomBlock } from './block.ts';
import { createParameters, type ParameterOptions } from './create-parameters.ts';
import type { CustomDepth, CustomParts } from './custom-parts.ts';
import { FORWARD_OPTIONS, type ForwardOptions, LOSS_OPTIONS, type LossOptions } from './forward-options.ts';
import { loadParameters, type ParameterSource, readParameters, type StoredParameter } from './load-parameters.ts';
import { steadyLength } from './rotation.ts';
import { Weights } from './weights.ts';

/** How a decoder computes. */
export interface DecoderOptions extends ParameterOptions, CustomParts {
  /** dtype of activations and of the weights as they are used; that of the parameters by default. */
  readonly computeDtype?: DType;
  /**
   * Weights of blocks' linear maps that stay quantized, by name (`model.layers.0.mlp.up_proj.weight`), in a frozen decoder. They are no
   * parameters: they have no gradients, and only `readParameters` fills them.
   */
  readonly quantized?: ReadonlyMap<string, QuantizedMatrix['format']>;
}

/** Names are checked here, values where they are used. */
const DECODER_OPTIONS: OptionChecks<DecoderOptions> = {
  device: checkedLater,
  dtype: dtypeName,
  computeDtype: dtypeName,
  seed: checkedLater,
  isFrozen: flag,
  quantized: checkedLater,
  block: checkedLater,
  depthPath: checkedLater,
};

/** The depth slots of one forward pass; `arena` where it holds them, null where slots are kept by score. */
interface OpenStream {
  readonly slots: SlotStream;
  readonly arena: DepthStream | null;
}

/**
 * A decoder-only language model with any of the depth mechanisms. Owns its parameters (`dispose`). Each forward pass has a depth
 * stream of its own, which its graph keeps: any number of recorded passes may wait for their backward pass.
 */
export class Decoder implements Disposable {
  readonly device: Device;
  /** Training steps of one shape run the same operators. */
  readonly hasStaticSteps: boolean;
  readonly tellsLossParts = true;
  readonly #parameters: Record<string, Tensor>;
  readonly #quantized = new Map<string, QuantizedMatrix>();
  readonly #specs: ParameterSpecs;
  readonly #custom: CustomParts;
  readonly #computeDtype: DType;
  #adapters: readonly LoraAdapter[] = [];
  /** The parameters as operators use them; null when they have that dtype already. */
  readonly #copies: ParameterCopies | null;

  /** @throws OutOfMemoryError, DTypeError */
  constructor(
    readonly config: DecoderConfig,
    options: DecoderOptions = {},
  ) {
    checkOptions('createDecoder', options, DECODER_OPTIONS);
    const { quantized = new Map<string, QuantizedMatrix['format']>(), block, depthPath } = options;
    requireQuantizable(config, quantized, options.isFrozen ?? false);
    requireResidual(config, depthPath);
    this.#custom = { block, depthPath };
    this.#specs = decoderSpecs(config, this.#custom);
    // What a block of the caller's does may differ from step to step.
    this.hasStaticSteps = !this.isCustom;
    const specs = Object.entries(this.#specs);
    this.#parameters = createParameters(Object.fromEntries(specs.filter(([name]) => !quantized.has(name))), options);
    const { device, dtype } = this.#parameters['model.embed_tokens.weight'];
    this.device = device;
    for (const [name, { shape }] of specs) {
      const format = quantized.get(name);
      if (format) this.#quantized.set(name, new QuantizedMatrix(format, [shape[0], shape[1]], device));
    }
    this.#computeDtype = options.computeDtype ?? dtype;
    this.#copies = this.#computeDtype === dtype ? null : new ParameterCopies(this.#parameters, this.#computeDtype);
  }

  /** dtype of the parameters as they are stored. */
  get parameterDtype(): DType {
    return this.#parameters['model.embed_tokens.weight'].dtype;
  }

  /** dtype of activations and caches. */
  get computeDtype(): DType {
    return this.#computeDtype;
  }

  /** Parameters by Hugging Face (`olmo2`) name. The tensors are the model's own. */
  parameters(): Record<string, Tensor> {
    return { ...this.#parameters };
  }

  /** Weights that stay quantized, by name. The matrices are the model's own. */
  get quantized(): ReadonlyMap<string, QuantizedMatrix> {
    return this.#quantized;
  }

  /** Whether the block or the depth path is the caller's own. Files and FLOP counts know configured models only. */
  get isCustom(): boolean {
    return this.#custom.block !== undefined || this.#custom.depthPath !== undefined;
  }

  /** What `attach` added. */
  get adapters(): readonly LoraAdapter[] {
    return this.#adapters;
  }

  /**
   * Adds adapters to the weights of every later forward pass, in place of those before. They must be on this device, for this
   * configuration, and compute in this dtype; those attached at its end are disposed of with the decoder.
   */
  attach(...adapters: readonly LoraAdapter[]): void {
    this.#adapters = adapters;
  }

  countParameters(): number {
    return countSpecs(this.#specs);
  }

  /** Forward FLOPs of one sequence of T tokens. @throws ConfigError for a model with a block or depth path of the caller's */
  countFlops(T: number, options?: { causal?: boolean }): FlopCount {
    if (this.isCustom) {
      throw new ConfigError(
        'decoder: FLOPs are counted of configured models, got one with a block or depth path of its own. Count them by hand.',
      );
    }
    return countFlops(this.config, T, options);
  }

  /**
   * Replaces all parameter values.
   *
   * @throws CheckpointError when one is missing, unknown or of another shape; nothing is changed then
   */
  loadParameters(source: ParameterSource): void {
    loadParameters(this.#parameters, source);
  }

  /**
   * Replaces all parameter values by those of a file, one in memory at a time.
   *
   * @throws CheckpointError when one is missing, unknown or of another shape (nothing is changed then), or cannot be read (some
   *   values are changed then)
   */
  readParameters(source: ReadonlyMap<string, StoredParameter>): Promise<void> {
    const all = Object.keys(this.#specs).map((name) => [name, this.#quantized.get(name) ?? this.#parameters[name]]);
    return readParameters(Object.fromEntries(all), source);
  }

  /**
   * Hidden states after the final norm.
   *
   * @param ids i32 `[B, T]`
   * @returns `[B, T, C]`
   * @throws ShapeError, ConfigError
   */
  forward(ids: Tensor, options: ForwardOptions = {}): Tensor {
    checkOptions('decoder.forward', options, FORWARD_OPTIONS);
    return this.#forward(ids, options);
  }

  #forward(ids: Tensor, options: ForwardOptions): Tensor {
    this.#check(ids, options);
    return tidy(() => {
      const [B, T] = ids.shape;
      this.#copies?.refresh();
      for (const adapter of this.#adapters) adapter.refresh();
      const weights = new Weights(this.#parameters, this.#copies, this.#adapters, this.#quantized);
      const start = options.cache?.length ?? 0;
      const positions = options.positions ?? positionsFrom(start, B, T, this.device);
      let x = embedding(weights.get('model.embed_tokens.weight'), ids);
      if (this.config.embeddingScale !== 1) x = affine(x, this.config.embeddingScale, 0);
      if (this.config.positions === 'learned') {
        x = add(x, embedding(weights.get('model.embed_positions.weight'), positions));
      }
      const stream = this.#openStream(B, T, options);
      try {
        const out = this.#runBlocks(x, weights, positions, stream, options);
        const { cache } = options;
        if (cache && stream?.arena && visibleChunk(this.config) > 1) cache.keepChunk(stream.arena);
        return out;
      } finally {
        stream?.slots.dispose();
      }
    });
  }

  #check(ids: Tensor, { cache, checkpoint: replays, docRange }: ForwardOptions): void {
    const { depth, positions, seqLen, ropeScaling } = this.config;
    const { kind } = depth;
    if (ids.rank !== 2) {
      throw new ShapeError(`decoder: ids must be [B, T], got [${ids.shape}]. Reshape to one row a sequence.`, {
        ids: ids.shape,
      });
    }
    const end = (cache?.length ?? 0) + ids.shape[1];
    if (positions === 'learned' && end > seqLen) {
      throw new ShapeError(
        `decoder: learned positions end at seqLen=${seqLen}, got position ${end - 1}. Use a shorter sequence.`,
        { seqLen, end },
      );
    }
    const steady = steadyLength(this.config);
    if (cache && cache.length > 0 && end > steady && (cache.length <= steady || ropeScaling?.kind === 'dynamic')) {
      throw new ShapeError(
        `decoder: a cache ends where ropeScaling '${ropeScaling?.kind}' turns all keys anew, at ${steady} positions, got position ${end - 1}. Give the whole sequence without a cache.`,
        { steady, end },
      );
    }
    if (replays && !canRecompute(this.config)) {
      const known = mechanisms.filter((one) => one.canRecompute).map((one) => `'${one.kind}'`);
      const slots = attentionSlots(this.config)?.scored ? 'slots kept by recency' : `depth ${known.join(', ')}`;
      throw new ConfigError(`decoder: checkpointing needs ${slots}, got '${kind}'. Set checkpoint to false.`, {
        depth,
      });
    }
    if (this.isCustom && replays) {
      throw new ConfigError(
        'decoder: checkpointing needs configured blocks and depth, got a block or depth path of your own. Set checkpoint to false.',
      );
    }
    if (cache && this.#custom.block && this.#custom.block.readsCache !== true) {
      throw new ConfigError(
        'decoder: a cache needs a block that reads earlier positions through it, got one that does not say so. Set readsCache, or give the whole sequence without a cache.',
      );
    }
    if (docRange && cache && visibleChunk(this.config) > 1) {
      throw new ConfigError(
        'decoder: a chunk-visible model decodes rows that start together, got docRange with a cache. Decode ragged prompts one by one.',
      );
    }
  }

  #openStream(B: number, T: number, { cache }: ForwardOptions): OpenStream | null {
    const scored = attentionSlots(this.config)?.scored;
    if (scored) return { slots: new ScoredStream(scored), arena: null };
    const slots = arenaSlots(this.config);
    if (slots === 0) return null;
    if (cache && visibleChunk(this.config) > 1) {
      const chunk = cache.chunkStream(slots, T);
      return { slots: chunk, arena: chunk };
    }
    const arena = new DepthStream({
      slots,
      B,
      T,
      // The first block has nothing to read.
      readers: this.config.nLayers - 1,
      Hkv: this.config.nKvHeads,
      D: this.config.headDim,
      dtype: this.#computeDtype,
      device: this.device,
    });
    return { slots: arena, arena };
  }

  #runBlocks(
    x: Tensor,
    weights: Weights,
    positions: Tensor,
    stream: OpenStream | null,
    options: ForwardOptions,
  ): Tensor {
    const { config } = this;
    const { cache, onAttention } = options;
    const length = (cache?.length ?? 0) + x.shape[1];
    const joinOf =
      (source: Weights): ResidualAdd =>
      (x, y, layer, part) =>
        config.norm === 'post' ? normOfSum(normAfter(config, layer, part)!, config, source)(x, y).out : add(x, y);
    const pass: DepthPass = {
      config,
      x,
      parameter: weights.get,
      join: joinOf(weights),
      stream: stream?.slots ?? null,
    };
    const mixValues = createValueMixer(config, pass);
    const attentionStream = readsSlots(config) ? pass.stream : null;
    const contextOf = (layer: number, at: Tensor, docRange: Tensor | null): AttentionLayerContext => ({
      positions: at,
      stream: attentionStream,
      writesSlot: layer < config.nLayers - 1,
      docRange,
      cache: cache?.layers[layer] ?? null,
      firstPosition: 0,
      mixValues: mixValues ? (q, k, v) => mixValues(layer, q, k, v) : undefined,
      onAttention: onAttention ? (probe) => onAttention(layer, probe) : undefined,
    });
    if (options.checkpoint) {
      const { perBlock } = depthSlots(config);
      const body = (layer: number, input: Tensor, at: Tensor, docRange: Tensor | null): Tensor => {
        stream?.arena?.rewind(layer * perBlock);
        const ffnKv = new Weights(this.#parameters, this.#copies, this.#adapters, this.#quantized);
        const path = residualPath({ config, x: input, join: joinOf(ffnKv) });
        runBlock(blockCall(layer, path, config, ffnKv, contextOf(layer, at, docRange), length));
        return path.finish();
      };
      // Whatever the replay needs is an input, for the forward pass's own tensors are gone by then.
      const inputs = options.docRange ? [positions, options.docRange] : [positions];
      for (let layer = 0; layer < config.nLayers; layer++) {
        x = checkpoint((input, at, docRange) => body(layer, input, at, docRange ?? null), [x, ...inputs]);
      }
      return applyNorm(x, 'model.norm', config, weights);
    }
    const { block, depthPath } = this.#custom;
    const path = depthPath ? depthPath.path(pass) : createDepthPath(config, pass);
    for (let layer = 0; layer < config.nLayers; layer++) {
      const context = contextOf(layer, positions, options.docRange ?? null);
      const call = blockCall(layer, path, config, weights, context, length);
      if (block) runCustomBlock(block, call, x.shape);
      else runBlock(call);
    }
    if (path.readNormed) return path.readNormed(normOfSum('model.norm', config, weights));
    return applyNorm(path.finish(), 'model.norm', config, weights);
  }

  /** Output matrix `[V, C]`, as of the last forward pass. */
  #outputWeight(): Tensor {
    const weights = new Weights(this.#parameters, this.#copies);
    return weights.get(this.config.tieEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
  }

  /** Logits `[..., V]` of the hidden states `[..., C]` of the last forward pass. */
  logits(hidden: Tensor): Tensor {
    const { logitSoftcap: c } = this.config;
    return tidy(() => {
      const logits = linear(this.#scaled(hidden), this.#outputWeight());
      return c === null ? logits : affine(tanh(affine(logits, 1 / c, 0)), c, 0);
    });
  }

  /** What the output matrix is multiplied with. */
  #scaled(hidden: Tensor): Tensor {
    const { logitScale } = this.config;
    return logitScale === 1 ? hidden : affine(hidden, logitScale, 0);
  }

  /**
   * Mean cross-entropy in nats of predicting `targets` from `ids`; logits are never stored whole.
   *
   * @param ids i32 `[B, T]`
   * @param targets i32 `[B, T]`, already shifted by one; -100 (or `ignoreIndex`) counts nothing
   * @returns f32 scalar
   */
  loss(ids: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
    checkOptions('decoder.loss', options, LOSS_OPTIONS);
    return tidy(() => {
      const hidden = this.#scaled(this.#forward(ids, options));
      const { dModel, logitSoftcap: softcap } = this.config;
      const { ignoreIndex, zLoss, chunk, parts } = options;
      const rows = reshape(hidden, [-1, dModel]);
      return linearCrossEntropy(rows, this.#outputWeight(), reshape(targets, [-1]), {
        ignoreIndex,
        zLoss,
        chunk,
        parts,
        softcap,
      });
    });
  }

  /** Frees the parameters. */
  dispose(): void {
    for (const parameter of Object.values(this.#parameters)) parameter.dispose();
    for (const matrix of this.#quantized.values()) matrix.dispose();
    this.#copies?.dispose();
    for (const adapter of this.#adapters) adapter.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** @throws ConfigError for a depth path beside a mechanism of the configuration */
function requireResidual({ depth }: DecoderConfig, depthPath: CustomDepth | undefined): void {
  if (depthPath === undefined || depth.kind === 'residual') return;
  throw new ConfigError(
    `decoder: a depth path of your own takes the place of the residual sum, got depth '${depth.kind}'. Set depth to 'residual'.`,
    { depth },
  );
}

/** @throws ConfigError for weights that are no maps of blocks, or that a training step would have to change */
function requireQuantizable(
  config: DecoderConfig,
  quantized: NonNullable<DecoderOptions['quantized']>,
  isFrozen: boolean,
): void {
  if (quantized.size === 0) return;
  const maps = adaptableMaps(config);
  for (const name of quantized.keys()) {
    if (maps.has(name.replace(/\.weight$/, ''))) continue;
    throw new ConfigError(`decoder: quantized must name weights of blocks' linear maps, got ${name}. Leave it out.`, {
      name,
    });
  }
  if (!isFrozen) {
    throw new ConfigError(
      'decoder: quantized weights cannot change, got isFrozen=false. Set isFrozen, and train an adapter.',
    );
  }
}

/** i32 `[B, T]`: `start .. start + T - 1` in every row. */
function positionsFrom(start: number, B: number, T: number, device: Device): Tensor {
  const values = new Int32Array(B * T).map((_, i) => start + (i % T));
  return tensor(values, { shape: [B, T], dtype: 'i32', device });
}

/** A decoder with fresh parameters. @throws OutOfMemoryError, DTypeError */
export function createDecoder(config: DecoderConfig, options: DecoderOptions = {}): Decoder {
  return new Decoder(config, options);
}
