import { assign, type Device, slice, type Tensor, tidy, withoutScope, zeros } from '@modajs/tensor';

/** Starts divide by four: kernels read four numbers at a time. */
const ALIGNMENT = 4;

/** A model's norm weights and biases, one after the other in one f32 tensor. */
export class DecodeVectors implements Disposable {
  readonly tensor: Tensor;
  readonly #starts = new Map<string, number>();

  constructor(parameters: Readonly<Record<string, Tensor>>, device: Device) {
    const vectors = Object.entries(parameters).filter(([, { rank }]) => rank === 1);
    let size = 0;
    for (const [name, { shape }] of vectors) {
      this.#starts.set(name, size);
      size += Math.ceil(shape[0] / ALIGNMENT) * ALIGNMENT;
    }
    this.tensor = withoutScope(() => zeros([Math.max(size, ALIGNMENT)], { device }));
    tidy(() => {
      for (const [name, vector] of vectors) {
        const start = this.start(name);
        assign(slice(this.tensor, [start], [start + vector.shape[0]]), vector.detach());
      }
    });
  }

  /** Where a parameter's vector begins; null for parameters that the model does not have. */
  find(name: string): number | null {
    return this.#starts.get(name) ?? null;
  }

  /** Where the vector of a parameter that the model has begins. */
  start(name: string): number {
    return this.#starts.get(name)!;
  }

  dispose(): void {
    this.tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
