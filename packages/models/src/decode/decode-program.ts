import {
  type BlockMatrix,
  type DecodeAttentionProblem,
  type DecodeBlock,
  type DecodeBlocksConfig,
  type DecodeBlocksProblem,
  type DecodeInput,
  type DecodeProductConfig,
  decodeBlocksExchange,
  KernelError,
  planDecodeArgmax,
  planDecodeAttention,
  planDecodeBlocks,
  planDecodeEmbed,
  planDecodeProduct,
} from '@modajs/kernels';
import type { Tensor } from '@modajs/tensor';
import {
  type ArrayView,
  floatDType,
  type PreparedCall,
  type PreparedSequence,
  type WebGpuKernels,
} from '@modajs/tensor/extend';

/** A weight `[rows, K]` of a product; its results start at element `out`, its biases at `bias` of the vectors. */
export interface ProgramWeight {
  readonly weight: Tensor;
  readonly out: number;
  readonly bias: number | null;
}

/** `out = epilogue(input . weights^T + biases)`, see `DecodeProgram.product`. All tensors but the weights are f32. */
export interface ProductCall {
  readonly input: DecodeInput;
  readonly x: Tensor;
  readonly y: Tensor | null;
  readonly vectors: Tensor;
  readonly weights: readonly ProgramWeight[];
  /** Whether weights 0 and 1 are gate and up of SwiGLU. */
  readonly isPaired?: boolean;
  readonly out: Tensor;
  readonly carry: Tensor | null;
  /** How the kernel is cut; for tuning. */
  readonly config?: DecodeProductConfig;
}

/** Attention of one token, see `DecodeProgram.attention`. */
export interface AttentionCall {
  readonly problem: Omit<DecodeAttentionProblem, 'dtype' | 'cacheStart'>;
  readonly state: Tensor;
  readonly raw: Tensor;
  readonly ffnKv: Tensor;
  readonly vectors: Tensor;
  readonly cacheK: Tensor;
  readonly cacheV: Tensor;
  readonly depth: { readonly k: Tensor; readonly v: Tensor } | null;
  readonly out: Tensor;
  readonly statistics: Tensor;
}

/** A matrix of a block, and where its bias starts in the vectors. */
export interface BlockWeight {
  readonly weight: Tensor;
  readonly bias: number | null;
}

type MatrixName = 'q' | 'k' | 'v' | 'output' | 'gate' | 'up' | 'down';
type DepthMatrixName = 'attentionKv' | 'ffnSlot';

/** One block of `BlocksCall`, see `DecodeBlock`. */
export type BlockCall = Omit<DecodeBlock, MatrixName | DepthMatrixName | 'cacheK' | 'cacheV'> & {
  readonly [name in MatrixName]: BlockWeight;
} & { readonly [name in DepthMatrixName]: BlockWeight | null } & { readonly cacheK: Tensor; readonly cacheV: Tensor };

/** All blocks of one token, see `DecodeProgram.blocks`. */
export interface BlocksCall {
  readonly problem: Omit<DecodeBlocksProblem, 'dtype' | 'tableStart' | 'storages' | 'blocks' | 'residentWorkgroups'>;
  readonly blocks: readonly BlockCall[];
  readonly table: Tensor;
  readonly state: Tensor;
  readonly vectors: Tensor;
  readonly depth: { readonly k: Tensor; readonly v: Tensor } | null;
  /** u32, `exchangeLength` zeros, kept from token to token. */
  readonly exchange: Tensor;
  /** f32 `[C]`: the residual sum before the last sub-layer's output, and that output. */
  readonly x: Tensor;
  readonly y: Tensor;
  /** How the kernel is cut; for tuning. */
  readonly config?: DecodeBlocksConfig;
}

/**
 * Decoding of one token as a short list of fused kernels, prepared once and replayed for each token. Tensors that it names
 * must stay alive as long as what it prepared; activations (f32) start their storages.
 */
export class DecodeProgram {
  readonly #kernels: WebGpuKernels;
  #calls: PreparedCall[] = [];

  /** Use `openDecodeProgram`. */
  constructor(kernels: WebGpuKernels) {
    this.#kernels = kernels;
  }

  #start(x: Tensor): number {
    return this.#kernels.bindingOf(x.view).start;
  }

  /** `out [C] = table [V, C]` at the token of `state` (i32: position, token, step, unused). */
  embed(table: Tensor, state: Tensor, out: Tensor): void {
    const [V, C] = table.shape;
    const problem = { dtype: floatDType('embed', table.dtype), V, C, start: this.#start(table) };
    const plan = planDecodeEmbed(problem, this.#kernels.capabilities);
    this.#calls.push({ plan, operands: { table: table.view, state: state.view, out: out.view } });
  }

  /** One row times up to four weights, with norms and residual sum before and SwiGLU after. @throws KernelError */
  product({ input, x, y, vectors, weights, isPaired = false, out, carry, config }: ProductCall): void {
    const problem = {
      dtype: floatDType('product', weights[0].weight.dtype),
      K: weights[0].weight.shape[1],
      input,
      isPaired,
      weights: weights.map(({ weight, ...rest }) => ({ rows: weight.shape[0], start: this.#start(weight), ...rest })),
    };
    const plan = planDecodeProduct(problem, this.#kernels.capabilities, config);
    const named = Object.fromEntries(weights.map(({ weight }, w) => [`w${w}`, weight.view]));
    const rest = { ...(y && { y: y.view }), ...(carry && { carry: carry.view }) };
    this.#calls.push({ plan, operands: { x: x.view, vectors: vectors.view, out: out.view, ...rest, ...named } });
  }

  /** QK-norm, RoPE, cache and slot writes and attention from raw projections. @throws KernelError */
  attention({ problem, depth, ...tensors }: AttentionCall): void {
    const dtype = floatDType('attention', tensors.cacheK.dtype);
    const cacheStart = { k: this.#start(tensors.cacheK), v: this.#start(tensors.cacheV) };
    const plan = planDecodeAttention({ ...problem, dtype, cacheStart }, this.#kernels.capabilities);
    const views = Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, x.view]));
    const slots: Record<string, ArrayView> = depth ? { depthK: depth.k.view, depthV: depth.v.view } : {};
    this.#calls.push({ plan, operands: { ...views, ...slots } });
  }

  /** Whether workgroups may wait for each other on this device: what `blocks` needs. */
  get hasResidentWorkgroups(): boolean {
    return (this.#kernels.capabilities.residentWorkgroups ?? 0) > 0;
  }

  /** Elements of the `exchange` of `blocks`. */
  exchangeLength(problem: Pick<BlocksCall['problem'], 'C' | 'F' | 'H' | 'Hkv' | 'D' | 'splits'>): number {
    return decodeBlocksExchange(problem);
  }

  /**
   * A token through all blocks in one kernel. Weights must lie in at most four storages, all keys in one and all values in one.
   *
   * @throws KernelError when they do not, or the kernel does not fit the device
   */
  blocks({ problem, blocks, table, depth, config, ...tensors }: BlocksCall): void {
    const { capabilities } = this.#kernels;
    const storages = new Map<object, Tensor>();
    const matrixOf = ({ weight, bias }: BlockWeight): BlockMatrix => {
      const { raw } = weight.storage;
      if (!storages.has(raw)) storages.set(raw, weight);
      return { storage: [...storages.keys()].indexOf(raw), start: this.#wholeStart(weight), bias };
    };
    const maybe = (weight: BlockWeight | null): BlockMatrix | null => weight && matrixOf(weight);
    const [firstK, firstV] = [blocks[0].cacheK, blocks[0].cacheV];
    const places = blocks.map(({ q, k, v, attentionKv, output, gate, up, ffnSlot, down, cacheK, cacheV, ...rest }) => {
      if (cacheK.storage.raw !== firstK.storage.raw || cacheV.storage.raw !== firstV.storage.raw) {
        throw new KernelError(
          'decodeProgram.blocks: the keys of all caches must lie in one storage and their values in another, got more. Use product and attention.',
        );
      }
      return {
        ...rest,
        q: matrixOf(q),
        k: matrixOf(k),
        v: matrixOf(v),
        attentionKv: maybe(attentionKv),
        output: matrixOf(output),
        gate: matrixOf(gate),
        up: matrixOf(up),
        ffnSlot: maybe(ffnSlot),
        down: matrixOf(down),
        cacheK: this.#wholeStart(cacheK),
        cacheV: this.#wholeStart(cacheV),
      };
    });
    const dtype = floatDType('blocks', table.dtype);
    const residentWorkgroups = capabilities.residentWorkgroups ?? 0;
    const sizes = { dtype, tableStart: this.#start(table), storages: storages.size, residentWorkgroups };
    const plan = planDecodeBlocks({ ...problem, ...sizes, blocks: places }, capabilities, config);
    const weights = Object.fromEntries([...storages.values()].map((weight, w) => [`w${w}`, weight.view]));
    const slots: Record<string, ArrayView> = depth ? { depthK: depth.k.view, depthV: depth.v.view } : {};
    const caches = { cacheK: firstK.view, cacheV: firstV.view };
    const views = Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, x.view]));
    this.#calls.push({ plan, operands: { ...views, ...slots, ...weights, table: table.view, ...caches } });
  }

  /** Where a tensor starts in its storage, all of which one binding must hold. */
  #wholeStart(x: Tensor): number {
    const { start, offset } = this.#kernels.bindingOf(x.view);
    if (offset !== 0 || start !== x.view.offset) {
      throw new KernelError(
        'decodeProgram.blocks: each storage must fit one binding, got a larger one. Use product and attention.',
      );
    }
    return start;
  }

  /**
   * Greedy choice from `logits` f32 `[V]`; `state` steps on, `results` u32 `[steps, 2]` gets token and log-probability bits.
   *
   * @param choices ids below this may be chosen; all by default
   */
  choose(logits: Tensor, state: Tensor, results: Tensor, choices?: number): void {
    const plan = planDecodeArgmax({ V: logits.size, choices, results: results.shape[0] });
    this.#calls.push({ plan, operands: { logits: logits.view, state: state.view, results: results.view } });
  }

  /** Prepares the calls since the last time. @throws KernelError for an operand larger than a binding */
  prepare(): PreparedSequence {
    const calls = this.#calls;
    this.#calls = [];
    return this.#kernels.prepare(calls);
  }
}
