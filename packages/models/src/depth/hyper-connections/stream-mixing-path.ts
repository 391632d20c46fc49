import { stack, type Tensor } from '@modajs/tensor';
import type { DepthPass } from '../depth-mechanism.ts';
import type { DepthPath, ParameterLookup, SubLayer } from '../depth-path.ts';
import { StreamMixing } from './stream-mixing.ts';

/** The path of a mechanism that mixes several residual streams: starts with copies of x; the mechanism says how a sub-layer reads. */
export abstract class StreamMixingPath implements DepthPath {
  protected readonly streams: StreamMixing;
  protected readonly parameter: ParameterLookup;
  protected readonly normEps: number;

  constructor({ x, parameter, config }: DepthPass, count: number) {
    this.parameter = parameter;
    this.normEps = config.normEps;
    this.streams = new StreamMixing(stack(new Array<Tensor>(count).fill(x), 2));
  }

  abstract read(layer: number, part: SubLayer): Tensor;

  write(_layer: number, _part: SubLayer, y: Tensor): void {
    this.streams.write(y);
  }

  abstract finish(): Tensor;
}
