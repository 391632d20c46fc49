import {
  add,
  broadcastTo,
  concat,
  matmul,
  mul,
  reshape,
  rmsNorm,
  split,
  sum,
  type Tensor,
  tanh,
  transpose,
} from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import { wholeFrom } from '../../config/field-rule.ts';
import type { ParameterSpecs } from '../../parameters/parameter-spec.ts';
import type { DepthMechanism } from '../depth-mechanism.ts';
import type { SubLayer } from '../depth-path.ts';
import { StreamMixingPath } from './stream-mixing-path.ts';

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
class HyperConnectionPath extends StreamMixingPath {
  read(layer: number, part: SubLayer): Tensor {
    const [B, T, n, C] = this.streams.all.shape;
    const parameter = (what: string): Tensor => this.parameter(nameOf(layer, part, what));
    // alpha and beta beside each other: one product reads the streams for both.
    const both = (suffix: string): Tensor => concat([parameter(`alpha${suffix}`), parameter(`beta${suffix}`)], 1);
    const [alphaScale, betaScale] = split(parameter('scale'), [1, 1], 0);
    const scales = concat([broadcastTo(alphaScale, [n + 1]), betaScale], 0);
    const normal = reshape(rmsNorm(this.streams.all, null, this.normEps), [B * T * n, C]);
    const dynamic = reshape(tanh(matmul(normal, both('_proj'))), [B, T, n, n + 2]);
    const weights = add(mul(dynamic, scales), both(''));
    const [pre, residual, post] = split(weights, [1, n, 1], 3);
    return this.streams.read(transpose(pre), transpose(residual), post);
  }

  finish(): Tensor {
    return sum(this.streams.all, { axes: [2] });
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
