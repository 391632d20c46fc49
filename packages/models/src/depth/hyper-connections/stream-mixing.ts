import { concat, type Tensor } from '@modajs/tensor';
import { mixApart, mixTogether } from '../mixture/mix.ts';

/** Residual streams H `[B, T, n, C]` that sub-layers read a mixture of, and mix with what they write. */
export class StreamMixing {
  /** `[A_r | beta]`, `[B, T, n, n + 1]`, between a read and the write after it. */
  #weights: Tensor | null = null;

  constructor(private streams: Tensor) {}

  get all(): Tensor {
    return this.streams;
  }

  /**
   * `sum_i pre_i H_i`, what a sub-layer reads.
   *
   * @param pre `[B, T, 1, n]`
   * @param residual `[B, T, n, n]`, stream j in stream i at [i, j], for the next `write`
   * @param post `[B, T, n, 1]`, what goes to each stream, for the next `write`
   */
  read(pre: Tensor, residual: Tensor, post: Tensor): Tensor {
    this.#weights = concat([residual, post], 3);
    const [x] = mixApart([this.streams], pre);
    return x;
  }

  /** `H_i = sum_j residual_ij H_j + post_i y`. */
  write(y: Tensor): void {
    this.streams = mixTogether([this.streams, y], this.#weights!);
  }
}
