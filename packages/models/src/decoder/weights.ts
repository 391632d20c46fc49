import type { LinearWeights } from '@modajs/moda';
import { ConfigError, type ParameterCopies, type QuantizedMatrix, type Tensor } from '@modajs/tensor';
import type { LoraAdapter } from '../adapter/lora-adapter.ts';

/** Parameters of one forward pass, in the computation's dtype. */
export class Weights {
  readonly #handles = new Map<string, Tensor>();

  constructor(
    private readonly parameters: Readonly<Record<string, Tensor>>,
    /** Copies in the computation's dtype; null when the parameters have it. */
    private readonly copies: ParameterCopies | null,
    private readonly adapters: readonly LoraAdapter[] = [],
    /** Weights that stay quantized, by name. */
    private readonly quantized: ReadonlyMap<string, QuantizedMatrix> = new Map(),
  ) {}

  /** The parameter of that name, in the computation's dtype. */
  readonly get = (name: string): Tensor => {
    const parameter = this.parameters[name];
    if (parameter === undefined) {
      throw new ConfigError(`decoder: a block must read parameters of the model, got ${name}. Name it in specs.`, {
        name,
      });
    }
    if (this.copies === null) return parameter;
    const value = this.#handles.get(name) ?? this.copies.get(name);
    this.#handles.set(name, value);
    return value;
  };

  /** The parameter, or null when the model has none of that name. */
  find(name: string): Tensor | null {
    return name in this.parameters ? this.get(name) : null;
  }

  /** `name.weight` and `name.bias`, with the adapters of the map. */
  linear(name: string): LinearWeights {
    const adapters = this.adapters.flatMap((adapter) => adapter.of(name) ?? []);
    const weight = this.quantized.get(`${name}.weight`) ?? this.get(`${name}.weight`);
    return { weight, bias: this.find(`${name}.bias`), adapters };
  }

  /** As `linear`, or null when the model has no such map. */
  findLinear(name: string): LinearWeights | null {
    const weight = `${name}.weight`;
    return weight in this.parameters || this.quantized.has(weight) ? this.linear(name) : null;
  }
}
