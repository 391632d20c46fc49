import { add, type Tensor } from '@modajs/tensor';
import type { DepthPath, NormOfSum, SubLayer } from '../depth-path.ts';

/** The residual sum `x + f(norm(x))` of pre-norm models: the last output is added when the next norm reads the sum, in its pass. */
export class PreNormPath implements DepthPath {
  #x: Tensor;
  /** Output that is not in `#x` yet. */
  #last: Tensor | null = null;

  constructor(x: Tensor) {
    this.#x = x;
  }

  read(_layer: number, _part: SubLayer): Tensor {
    return this.finish();
  }

  readNormed(norm: NormOfSum): Tensor {
    const { sum, out } = norm(this.#x, this.#last);
    this.#x = sum;
    this.#last = null;
    return out;
  }

  write(_layer: number, _part: SubLayer, y: Tensor): void {
    this.#x = this.finish();
    this.#last = y;
  }

  finish(): Tensor {
    if (this.#last) this.#x = add(this.#x, this.#last);
    this.#last = null;
    return this.#x;
  }
}
