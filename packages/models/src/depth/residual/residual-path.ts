import type { Tensor } from '@modajs/tensor';
import { hasPreNorms } from '../../parameters/block-specs.ts';
import type { DepthPass } from '../depth-mechanism.ts';
import type { DepthPath, SubLayer } from '../depth-path.ts';
import { PreNormPath } from './pre-norm.ts';

/** The residual sum `x + y`, normalised in post-norm models. */
export type ResidualAdd = (x: Tensor, y: Tensor, layer: number, part: SubLayer) => Tensor;

/** The ordinary residual sum, `x + f(x)`, with a norm after it in post-norm models. */
export class ResidualPath implements DepthPath {
  constructor(
    protected x: Tensor,
    private readonly join: ResidualAdd,
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

/** The ordinary residual sum from the embeddings of a pass. */
export function residualPath({ config, x, join }: Pick<DepthPass, 'config' | 'x' | 'join'>): DepthPath {
  return hasPreNorms(config) ? new PreNormPath(x) : new ResidualPath(x, join);
}
