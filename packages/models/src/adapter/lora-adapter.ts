import type { LowRankWeights } from '@modajs/moda';
import { type Device, type DType, ParameterCopies, type Tensor } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { createParameters } from '../decoder/create-parameters.ts';
import { loadParameters, type ParameterSource } from '../decoder/load-parameters.ts';
import { type LoraConfig, loraScale, loraSpecs } from './lora-config.ts';

/** Where an adapter lives and how it computes. */
export interface LoraAdapterOptions {
  readonly device?: Device;
  readonly seed?: number;
  /** dtype of the model's activations; the parameters are f32. */
  readonly computeDtype?: DType;
}

/**
 * A low-rank adapter of a decoder: `scale B A` is added to the weight of each adapted map (`Decoder.attach`). It starts as no
 * change at all, with B = 0. Owns its parameters (`dispose`).
 *
 * Reference: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", arXiv 2106.09685.
 */
export class LoraAdapter implements Disposable {
  readonly #parameters: Record<string, Tensor>;
  readonly #copies: ParameterCopies | null;
  readonly #scale: number;

  /** @throws ConfigError for targets that the model does not have, with the nearest one */
  constructor(
    model: DecoderConfig,
    readonly config: LoraConfig,
    { device, seed, computeDtype = 'f32' }: LoraAdapterOptions = {},
  ) {
    this.#parameters = createParameters(loraSpecs(model, config), { device, seed });
    this.#copies = computeDtype === 'f32' ? null : new ParameterCopies(this.#parameters, computeDtype);
    this.#scale = loraScale(config);
  }

  /** `<map>.lora_A.weight` `[rank, inputs]` and `<map>.lora_B.weight` `[outputs, rank]`. The tensors are the adapter's own. */
  parameters(): Record<string, Tensor> {
    return { ...this.#parameters };
  }

  /** Replaces all values. @throws CheckpointError when one is missing, unknown or of another shape; nothing is changed then */
  loadParameters(source: ParameterSource): void {
    loadParameters(this.#parameters, source);
  }

  /** Brings what the computation reads up to the parameters' values. */
  refresh(): void {
    this.#copies?.refresh();
  }

  /** What is added to a map, in the computation's dtype; null where the adapter leaves it alone. */
  of(map: string): LowRankWeights | null {
    const [a, b] = [`${map}.lora_A.weight`, `${map}.lora_B.weight`];
    if (!(a in this.#parameters)) return null;
    const get = (name: string): Tensor => this.#copies?.get(name) ?? this.#parameters[name];
    return { a: get(a), b: get(b), scale: this.#scale };
  }

  /** Frees the parameters. */
  dispose(): void {
    for (const parameter of Object.values(this.#parameters)) parameter.dispose();
    this.#copies?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
