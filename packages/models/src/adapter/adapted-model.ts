import type { Tensor } from '@modajs/tensor';
import type { Decoder } from '../decoder/decoder.ts';
import type { LoraAdapter } from './lora-adapter.ts';

/**
 * A frozen decoder whose adapter is trained: what a training run asks of a model. Its parameters are the adapter's, so they alone
 * have gradients, optimiser state and a place in checkpoints.
 */
export class AdaptedModel {
  readonly hasStaticSteps: boolean;
  readonly tellsLossParts = true;

  /** @param adapter attached to `decoder` */
  constructor(
    readonly decoder: Decoder,
    readonly adapter: LoraAdapter,
  ) {
    this.hasStaticSteps = decoder.hasStaticSteps;
  }

  parameters(): Record<string, Tensor> {
    return this.adapter.parameters();
  }

  /** As `Decoder.loss`. */
  loss(...call: Parameters<Decoder['loss']>): Tensor {
    return this.decoder.loss(...call);
  }
}

/** What a training run trains of a decoder: its adapter where it has one, else itself. */
export function trainedModel(decoder: Decoder): Decoder | AdaptedModel {
  const [adapter] = decoder.adapters;
  return adapter === undefined ? decoder : new AdaptedModel(decoder, adapter);
}
