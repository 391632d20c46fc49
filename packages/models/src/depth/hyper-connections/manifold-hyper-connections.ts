import { add, div, exp, matmul, mean, mul, reshape, rmsNorm, sigmoid, stack, sum, type Tensor } from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import { wholeFrom } from '../../config/field-rule.ts';
import type { ParameterSpecs } from '../../parameters/parameter-spec.ts';
import type { DepthMechanism, DepthPass } from '../depth-mechanism.ts';
import type { DepthPath, ParameterLookup, SubLayer } from '../depth-path.ts';

const sinkhornIterations = 20;

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
class ManifoldHyperConnectionPath implements DepthPath {
  #streams: Tensor;
  #mixed: Tensor | null = null;
  #post: Tensor | null = null;

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
    const normal = rmsNorm(reshape(this.#streams, [B, T, n * C]), null, this.#normEps);
    const logits = (what: string): Tensor =>
      add(mul(matmul(normal, parameter(`${what}_proj`)), parameter(`${what}_scale`)), parameter(`${what}_bias`));
    const pre = reshape(sigmoid(logits('pre')), [B, T, 1, n]);
    this.#post = reshape(mul(sigmoid(logits('post')), 2), [B, T, n, 1]);
    this.#mixed = matmul(sinkhorn(reshape(logits('res'), [B, T, n, n])), this.#streams);
    return reshape(matmul(pre, this.#streams), [B, T, C]);
  }

  write(_layer: number, _part: SubLayer, y: Tensor): void {
    const [B, T, C] = y.shape;
    this.#streams = add(this.#mixed!, mul(this.#post!, reshape(y, [B, T, 1, C])));
  }

  finish(): Tensor {
    return mean(this.#streams, { axes: [2] });
  }
}

/** Rows and columns of `exp(logits)` normalised in turns until the matrix is doubly stochastic. */
export function sinkhorn(logits: Tensor): Tensor {
  const n = logits.shape.length;
  let matrix = exp(logits);
  for (let i = 0; i < sinkhornIterations; i++) {
    matrix = div(matrix, sum(matrix, { axes: [n - 1], keepDims: true }));
    matrix = div(matrix, sum(matrix, { axes: [n - 2], keepDims: true }));
  }
  return matrix;
}

/** Manifold-constrained hyper-connections. */
export const manifoldHyperConnections: DepthMechanism<ManifoldHyperConnectionDepth> = {
  kind: 'manifold-hyper-connections',
  options: { streams: { rule: wholeFrom(1), default: 4 } },
  residualSum: 'replaced',
  specs: manifoldSpecs,
  path: (pass, { streams }) => new ManifoldHyperConnectionPath(pass, streams),
};
