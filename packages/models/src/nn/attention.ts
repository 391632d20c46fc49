import {
  type AttentionLayerConfig,
  type AttentionLayerWeights,
  attentionLayer,
  type DepthStream,
  writeProjected,
} from '@modajs/moda';
import { add, type Device, ShapeError, swiglu, type Tensor, tensor, tidy } from '@modajs/tensor';
import {
  checkedLater,
  checkOptions,
  flag,
  type OptionChecks,
  oneOf,
  orNull,
  positive,
  whole,
} from '@modajs/tensor/checks';
import { Linear, RMSNorm } from './layers.ts';
import { MODULE_OPTIONS, Module, type ModuleOptions, parameter } from './module.ts';

/** Options of `MultiHeadAttention`. */
export interface MultiHeadAttentionOptions extends ModuleOptions {
  readonly dModel: number;
  readonly nHeads: number;
  /** nHeads by default; fewer for grouped queries. */
  readonly nKvHeads?: number;
  /** dModel / nHeads by default. */
  readonly headDim?: number;
  /** Hide later positions; true by default. */
  readonly causal?: boolean;
  /** Base of rotary positions, 10,000 by default; null for none. */
  readonly ropeTheta?: number | null;
  /** RMSNorm of queries and keys before they rotate; none by default. */
  readonly qkNorm?: 'none' | 'head';
  /** c of the cap on logits, `c tanh(s / c)`, those of depth slots too; null, the default, for none. */
  readonly softcap?: number | null;
  /** A bias in each linear map; false by default. */
  readonly bias?: boolean;
  /** A learned logit of each head for a key without a value, 0 at the start; false by default. */
  readonly sinks?: boolean;
  /** ALiBi: head h of H takes `2^(-8 (h + 1) / H) |i - j|` off the logit of a key; false by default. Reference: arXiv 2108.12409. */
  readonly alibi?: boolean;
}

/** What one pass of attention reads besides its input. */
export interface AttentionInputs {
  /** i32 `[B, T]`; from 0 by default. */
  readonly positions?: Tensor;
  /** i32 `[B, T, 2]`: key range of each position's document (`documentRanges`). */
  readonly docRange?: Tensor | null;
  /** Depth slots that the layer reads and adds to. */
  readonly stream?: DepthStream | null;
  /** Added to the sequence's logits; broadcasts to `[B, H, T, T]`. */
  readonly bias?: Tensor | null;
  /** 0 hides a sequence key; broadcasts to `[B, H, T, T]`. */
  readonly mask?: Tensor | null;
}

const OPTIONS: OptionChecks<MultiHeadAttentionOptions> = {
  ...MODULE_OPTIONS,
  dModel: whole(1),
  nHeads: whole(1),
  nKvHeads: whole(1),
  headDim: checkedLater,
  causal: flag,
  ropeTheta: orNull(positive),
  qkNorm: oneOf('none', 'head'),
  softcap: orNull(positive),
  bias: flag,
  sinks: flag,
  alibi: flag,
};

/** Tensors are checked by the layer. */
const INPUTS: OptionChecks<AttentionInputs> = {
  positions: checkedLater,
  docRange: checkedLater,
  stream: checkedLater,
  bias: checkedLater,
  mask: checkedLater,
};

/** Multi-head attention, with grouped queries and O(T) memory: `[B, T, C]` -> `[B, T, C]`. */
export class MultiHeadAttention extends Module {
  readonly qProj: Linear;
  readonly kProj: Linear;
  readonly vProj: Linear;
  readonly oProj: Linear;
  readonly qNorm: RMSNorm | null;
  readonly kNorm: RMSNorm | null;
  /** `[H]`, null without sinks. */
  readonly sinks: Tensor | null;
  readonly config: AttentionLayerConfig;
  readonly #hasAlibi: boolean;

  /** @throws ShapeError, ConfigError */
  constructor(given: MultiHeadAttentionOptions) {
    super();
    checkOptions('multiHeadAttention', given, OPTIONS, ['dModel', 'nHeads']);
    const { dModel, nHeads, nKvHeads = nHeads, headDim = dModel / nHeads, bias = false, seed } = given;
    const { causal = true, ropeTheta = 10_000, qkNorm = 'none', softcap = null, dtype, device } = given;
    const { sinks = false, alibi = false } = given;
    if (nHeads % nKvHeads !== 0 || !Number.isInteger(headDim)) {
      throw new ShapeError(
        `multiHeadAttention: nKvHeads must divide nHeads, and nHeads dModel, got dModel=${dModel}, nHeads=${nHeads}, nKvHeads=${nKvHeads}. Set headDim, or other numbers of heads.`,
        { dModel, nHeads, nKvHeads },
      );
    }
    const place = { bias, dtype, device };
    const map = (inputs: number, outputs: number, n: number): Linear =>
      new Linear(inputs, outputs, { ...place, init: 'xavier-uniform', seed: apart(seed, n) });
    this.qProj = map(dModel, nHeads * headDim, 0);
    this.kProj = map(dModel, nKvHeads * headDim, 1);
    this.vProj = map(dModel, nKvHeads * headDim, 2);
    this.oProj = map(nHeads * headDim, dModel, 3);
    this.qNorm = qkNorm === 'head' ? new RMSNorm(headDim, { dtype, device }) : null;
    this.kNorm = qkNorm === 'head' ? new RMSNorm(headDim, { dtype, device }) : null;
    this.sinks = sinks ? parameter([nHeads], 'zeros', 'vector', { dtype, device }) : null;
    this.#hasAlibi = alibi;
    this.config = {
      nHeads,
      nKvHeads,
      headDim,
      qkNorm,
      normEps: 1e-6,
      rotary: ropeTheta === null ? null : { theta: ropeTheta, interleaved: false },
      softmaxScale: null,
      logitSoftcap: softcap,
      causal,
      depthKeyNorm: 'writer',
      depthRope: 'shared',
      depthChunk: 1,
      depthSlots: null,
    };
  }

  /** The parameters as `attentionLayer` of `@modajs/moda` takes them. */
  weights(): AttentionLayerWeights {
    const { qProj, kProj, vProj, oProj, qNorm, kNorm } = this;
    return {
      qProj,
      kProj,
      vProj,
      oProj,
      qNorm: qNorm?.weight ?? null,
      kNorm: kNorm?.weight ?? null,
      depthAttentionProj: null,
      depthFfnProj: null,
      sinks: this.sinks,
    };
  }

  /** @param x `[B, T, C]` */
  forward(x: Tensor, inputs: AttentionInputs = {}): Tensor {
    checkOptions('multiHeadAttention.forward', inputs, INPUTS);
    const { positions, docRange = null, stream = null, bias = null, mask = null } = inputs;
    return tidy(() => {
      const alibi = this.#hasAlibi ? slopes(this.config.nHeads, x.device) : null;
      return attentionLayer(x, { ...this.weights(), alibi }, this.config, {
        positions: positions ?? positionsOf(x),
        docRange,
        bias,
        mask,
        stream,
        writesSlot: stream !== null,
        cache: null,
        firstPosition: 0,
      });
    });
  }
}

/** Options of `MoDABlock`. */
export interface MoDABlockOptions extends MultiHeadAttentionOptions {
  /** Width of the feed-forward part; 4 dModel by default. */
  readonly dFf?: number;
  /** Whether the block also leaves keys and values of its feed-forward input; true by default. */
  readonly ffnProjection?: boolean;
}

const BLOCK_OPTIONS: OptionChecks<MoDABlockOptions> = { ...OPTIONS, dFf: whole(1), ffnProjection: flag };

/**
 * A pre-norm block with Mixture-of-Depths Attention: `x + attention(norm x)`, then `x + swiglu(norm x)`. Its attention reads the
 * slots that earlier blocks left in `stream`, and the block leaves `slotsPerBlock` of its own: a stream for L blocks has
 * `L * slotsPerBlock` slots. Without a stream it is an ordinary transformer's block.
 *
 * Reference: arXiv 2603.15619.
 */
export class MoDABlock extends Module {
  readonly attentionNorm: RMSNorm;
  readonly attention: MultiHeadAttention;
  readonly ffnNorm: RMSNorm;
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;
  readonly depthProj: Linear | null;

  /** @throws ShapeError, ConfigError */
  constructor(options: MoDABlockOptions) {
    super();
    checkOptions('moDABlock', options, BLOCK_OPTIONS, ['dModel', 'nHeads']);
    const { dFf = 4 * options.dModel, ffnProjection = true, ...attention } = options;
    const { dModel, seed, bias = false, dtype, device } = attention;
    const map = (inputs: number, outputs: number, n: number): Linear =>
      new Linear(inputs, outputs, { bias, dtype, device, init: 'xavier-uniform', seed: apart(seed, n) });
    this.attentionNorm = new RMSNorm(dModel, { dtype, device });
    this.attention = new MultiHeadAttention(attention);
    const { nKvHeads, headDim } = this.attention.config;
    this.ffnNorm = new RMSNorm(dModel, { dtype, device });
    this.gate = map(dModel, dFf, 4);
    this.up = map(dModel, dFf, 5);
    this.down = map(dFf, dModel, 6);
    this.depthProj = ffnProjection ? map(dModel, 2 * nKvHeads * headDim, 7) : null;
  }

  /** Slots that one pass of this block writes. */
  get slotsPerBlock(): number {
    return this.depthProj === null ? 1 : 2;
  }

  /** @param x `[B, T, C]` */
  forward(x: Tensor, inputs: AttentionInputs = {}): Tensor {
    return tidy(() => {
      const { stream = null, positions = positionsOf(x) } = inputs;
      const attended = add(x, this.attention.forward(this.attentionNorm.forward(x), { ...inputs, positions }));
      const y = this.ffnNorm.forward(attended);
      if (stream && this.depthProj) {
        const { kNorm } = this.attention.weights();
        writeProjected(stream, y, this.depthProj, kNorm, positions, this.attention.config);
      }
      return add(attended, this.down.forward(swiglu(this.gate.forward(y), this.up.forward(y))));
    });
  }
}

/** Seed of a module's n-th map: far from those of its neighbours. Absent where none is given. */
function apart(seed: number | undefined, n: number): number | undefined {
  return seed === undefined ? undefined : (seed + n * 0x9e3779b1) % 2 ** 32;
}

/** ALiBi's slopes `[H]`. */
function slopes(nHeads: number, device: Device): Tensor {
  const values = Float32Array.from({ length: nHeads }, (_, h) => 2 ** ((-8 * (h + 1)) / nHeads));
  return tensor(values, { shape: [nHeads], device });
}

/** i32 `[B, T]`: 0 .. T - 1 in every row. */
function positionsOf({ shape: [B, T], device }: Tensor): Tensor {
  return tensor(
    new Int32Array(B * T).map((_, i) => i % T),
    { shape: [B, T], dtype: 'i32', device },
  );
}
