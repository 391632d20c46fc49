import { add, matmul, mul, reshape, rmsNorm, slice, stack, sum, type Tensor, tanh, transpose } from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import { wholeFrom } from '../../config/field-rule.ts';
import type { ParameterSpecs } from '../../parameters/parameter-spec.ts';
import type { DepthMechanism, DepthPass } from '../depth-mechanism.ts';
import type { DepthPath, ParameterLookup, SubLayer } from '../depth-path.ts';

/** Several residual streams with learned mixing. */
export interface HyperConnectionDepth {
  readonly kind: 'hyper-connections';
  /** n: residual streams. */
  readonly streams: number;
}

const nameOf = (layer: number, part: SubLayer, what: string): string =>
  `model.layers.${layer}.depth.${part}_hyper.${what}`;

/** Static matrices as in a residual network (one stream is read, all keep themselves), dynamic parts at zero. */
function hyperConnectionSpecs(
  { dModel, nLayers }: BlockConfig,
  { streams: n }: HyperConnectionDepth,
  layer: number,
): ParameterSpecs {
  if (layer >= nLayers) return {};
  const specs: ParameterSpecs = {};
  for (const [index, part] of (['attention', 'ffn'] as const).entries()) {
    const read = (2 * layer + index) % n;
    const alpha = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n + 1 }, (_, j) => Number(j === 0 ? i === read : j === i + 1)),
    ).flat();
    specs[nameOf(layer, part, 'alpha')] = {
      shape: [n, n + 1],
      role: 'matrix',
      init: { kind: 'values', values: alpha },
    };
    // One stream has one write weight.
    const betaRole = n === 1 ? 'scalar' : 'matrix';
    specs[nameOf(layer, part, 'beta')] = { shape: [n, 1], role: betaRole, init: { kind: 'constant', value: 1 } };
    specs[nameOf(layer, part, 'alpha_proj')] = {
      shape: [dModel, n + 1],
      role: 'matrix',
      init: { kind: 'constant', value: 0 },
    };
    specs[nameOf(layer, part, 'beta_proj')] = {
      shape: [dModel, 1],
      role: 'matrix',
      init: { kind: 'constant', value: 0 },
    };
    specs[nameOf(layer, part, 'scale')] = { shape: [2], role: 'scalar', init: { kind: 'constant', value: 0.01 } };
  }
  return specs;
}

/**
 * Dynamic hyper-connections: n streams H `[B, T, n, C]`. A sub-layer reads `A_m^T H`; then `H = A_r^T H + beta y^T`, where
 * `[A_m A_r] = alpha + s_a tanh(norm(H) W_a)` and `beta = b + s_b tanh(norm(H) w_b)`. The output is the sum of the streams.
 * Reference: Zhu et al., "Hyper-Connections", arXiv 2409.19606, equations 2 and 10-13.
 */
class HyperConnectionPath implements DepthPath {
  #streams: Tensor;
  #mixed: Tensor | null = null;
  #beta: Tensor | null = null;

  readonly #parameter: ParameterLookup;
  readonly #normEps: number;

  constructor({ x, parameter, config }: DepthPass, streams: number) {
    this.#parameter = parameter;
    this.#normEps = config.normEps;
    this.#streams = stack(new Array<Tensor>(streams).fill(x), 2);
  }

  read(layer: number, part: SubLayer): Tensor {
    const [B, T, n, C] = this.#streams.shape;
    const parameter = (what: string): Tensor => this.#parameter(nameOf(layer, part, what));
    const normal = rmsNorm(this.#streams, null, this.#normEps);
    const dynamic = (what: string, index: number): Tensor => {
      const scale = slice(parameter('scale'), [index], [index + 1]);
      return add(mul(tanh(matmul(normal, parameter(`${what}_proj`))), scale), parameter(what));
    };
    this.#beta = dynamic('beta', 1); // [B, T, n, 1]
    const mixed = matmul(transpose(dynamic('alpha', 0)), this.#streams); // [B, T, n + 1, C]
    this.#mixed = slice(mixed, [0, 0, 1, 0], [B, T, n + 1, C]);
    return reshape(slice(mixed, [0, 0, 0, 0], [B, T, 1, C]), [B, T, C]);
  }

  write(_layer: number, _part: SubLayer, y: Tensor): void {
    const [B, T, C] = y.shape;
    this.#streams = add(this.#mixed!, mul(this.#beta!, reshape(y, [B, T, 1, C])));
  }

  finish(): Tensor {
    return sum(this.#streams, { axes: [2] });
  }
}

/** Dynamic hyper-connections. */
export const hyperConnections: DepthMechanism<HyperConnectionDepth> = {
  kind: 'hyper-connections',
  options: { streams: { rule: wholeFrom(1), default: 4 } },
  residualSum: 'replaced',
  specs: hyperConnectionSpecs,
  path: (pass, { streams }) => new HyperConnectionPath(pass, streams),
};
