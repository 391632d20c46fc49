import {
  add,
  broadcastTo,
  concat,
  matmul,
  mean,
  mul,
  reshape,
  rmsNorm,
  sigmoid,
  split,
  type Tensor,
} from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import { wholeFrom } from '../../config/field-rule.ts';
import type { ParameterSpecs } from '../../parameters/parameter-spec.ts';
import type { DepthMechanism } from '../depth-mechanism.ts';
import type { SubLayer } from '../depth-path.ts';
import { sinkhorn } from './sinkhorn.ts';
import { StreamMixingPath } from './stream-mixing-path.ts';

/** Several residual streams whose mixing is doubly stochastic. */
export interface ManifoldHyperConnectionDepth {
  readonly kind: 'manifold-hyper-connections';
  /** n: residual streams. */
  readonly streams: number;
}

const nameOf = (layer: number, part: SubLayer, what: string): string =>
  `model.layers.${layer}.depth.${part}_mhc.${what}`;

/** Biases that read the mean of the streams, write to all and mix almost nothing; projections at zero. */
function manifoldSpecs(
  { dModel, nLayers }: BlockConfig,
  { streams: n }: ManifoldHyperConnectionDepth,
  layer: number,
): ParameterSpecs {
  if (layer >= nLayers) return {};
  const specs: ParameterSpecs = {};
  const widths = { pre: n, post: n, res: n * n };
  const biases = {
    // sigmoid(-log(n - 1)) = 1/n; a single stream is read whole.
    pre: new Array<number>(n).fill(n === 1 ? 10 : -Math.log(n - 1)),
    post: new Array<number>(n).fill(0),
    res: Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 0 : -8)),
  };
  for (const part of ['attention', 'ffn'] as const) {
    for (const what of ['pre', 'post', 'res'] as const) {
      specs[nameOf(layer, part, `${what}_proj`)] = {
        shape: [n * dModel, widths[what]],
        role: 'matrix',
        init: { kind: 'constant', value: 0 },
      };
      specs[nameOf(layer, part, `${what}_bias`)] = {
        shape: [widths[what]],
        role: 'bias',
        init: { kind: 'values', values: biases[what] },
      };
      specs[nameOf(layer, part, `${what}_scale`)] = {
        shape: [1],
        role: 'scalar',
        init: { kind: 'constant', value: 0.01 },
      };
    }
  }
  return specs;
}

/**
 * Manifold-constrained hyper-connections: as hyper-connections, but the stream mixing is doubly stochastic (Sinkhorn),
 * the read weights are `sigmoid(.)` and the write weights `2 sigmoid(.)`, all from the normalised streams. The output is
 * the mean of the streams.
 * Reference: Xie et al., "mHC", arXiv 2512.24880.
 */
class ManifoldHyperConnectionPath extends StreamMixingPath {
  read(layer: number, part: SubLayer): Tensor {
    const [B, T, n, C] = this.streams.all.shape;
    const widths = [n, n, n * n];
    // pre, post and res beside each other: one product reads the streams for all three.
    const parameters = (what: string): Tensor[] =>
      (['pre', 'post', 'res'] as const).map((name) => this.parameter(nameOf(layer, part, `${name}_${what}`)));
    const scales = concat(
      parameters('scale').map((scale, i) => broadcastTo(scale, [widths[i]])),
      0,
    );
    const normal = rmsNorm(reshape(this.streams.all, [B * T, n * C]), null, this.normEps);
    const products = matmul(normal, concat(parameters('proj'), 1)); // [B * T, 2n + n * n]
    const logits = add(mul(products, scales), concat(parameters('bias'), 0));
    const [pre, post, res] = split(logits, widths, 1);
    return this.streams.read(
      reshape(sigmoid(pre), [B, T, 1, n]),
      sinkhorn(reshape(res, [B, T, n, n])),
      reshape(mul(sigmoid(post), 2), [B, T, n, 1]),
    );
  }

  finish(): Tensor {
    return mean(this.streams.all, { axes: [2] });
  }
}

/** Manifold-constrained hyper-connections. */
export const manifoldHyperConnections: DepthMechanism<ManifoldHyperConnectionDepth> = {
  kind: 'manifold-hyper-connections',
  options: { streams: { rule: wholeFrom(1), default: 4 } },
  residualSum: 'replaced',
  specs: manifoldSpecs,
  path: (pass, { streams }) => new ManifoldHyperConnectionPath(pass, streams),
};
