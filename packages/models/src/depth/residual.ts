import type { Tensor } from '@modajs/tensor';
import type { DepthPath, SubLayer } from './depth-path.ts';

/** The residual sum `x + y`, normalised in post-norm models. */
export type JoinResidual = (x: Tensor, y: Tensor, layer: number, part: SubLayer) => Tensor;

/** The ordinary residual sum, `x + f(x)`, with a norm after it in post-norm models. */
export class ResidualPath implements DepthPath {
  constructor(
    protected x: Tensor,
    private readonly join: JoinResidual,
  ) {}

  read(_layer: number, _part: SubLayer): Tensor {
    return this.x;
  }

  write(layer: number, part: SubLayer, y: Tensor): void {
    this.x = this.join(this.x, y, layer, part);
  }

  finish(): Tensor {
    return this.x;
  }
}
