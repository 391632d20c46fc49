import { type MixedRows, type MixWeights, planMix, planMixWeights } from '@modajs/kernels';
import type { Tensor } from '@modajs/tensor';
import { floatDType, type WebGpuKernels } from '@modajs/tensor/extend';
import type { GradientMemory } from './own-storage.ts';

/** Mixtures in as few passes as bindings allow. Rows of a tensor: `[B, T, C]`, or `[B, T, s, C]` that holds s of them; row-major. */
export interface MixKernels {
  /** `outs_k = sum_s weights[k, s] sources_s`. @param outs `[B, T, K, C]`, or K tensors */
  forward(sources: readonly Tensor[], weights: Tensor, outs: readonly Tensor[]): void;
  /** Gradients of the sources. */
  sources(gradients: readonly Tensor[], weights: Tensor, into: readonly GradientMemory[]): void;
  /** The gradient of the weights. @param into row-major; overwritten or, for weights that all tokens share, added to */
  weights(gradients: readonly Tensor[], sources: readonly Tensor[], into: GradientMemory): void;
}

const isRow = (tensor: Tensor): boolean => tensor.rank === 3;

export function mixKernels(kernels: WebGpuKernels): MixKernels {
  const rowsOf = (tensor: Tensor, buffer: string): MixedRows[] => {
    const C = tensor.shape.at(-1)!;
    const count = isRow(tensor) ? 1 : tensor.shape[2];
    const { start } = kernels.bindingOf(tensor.view);
    return Array.from({ length: count }, (_, i) => ({ buffer, start: start + i * C, stride: count * C }));
  };
  const allRows = (tensors: readonly Tensor[], prefix: string) =>
    tensors.flatMap((tensor, i) => rowsOf(tensor, `${prefix}${i}`));
  const views = (tensors: readonly Tensor[], prefix: string) =>
    Object.fromEntries(tensors.map((tensor, i) => [`${prefix}${i}`, tensor.view]));
  const sizes = ({ shape, dtype }: Tensor) => {
    return { dtype: floatDType('mix', dtype), tokens: shape[0] * shape[1], C: shape.at(-1)! };
  };
  const weightsOf = (weights: Tensor): MixWeights => {
    const { strides, dtype } = weights;
    const [out, source] = strides.slice(-2);
    const token = weights.rank === 2 ? 0 : strides[weights.shape[1] === 1 ? 0 : 1];
    return { dtype: floatDType('mix', dtype), start: kernels.bindingOf(weights.view).start, token, out, source };
  };
  return {
    forward(sources, weights, outs) {
      const written = allRows(outs, 'out').map((row) => ({ ...row, accumulate: false }));
      const problem = {
        ...sizes(sources[0]),
        weights: weightsOf(weights),
        sources: allRows(sources, 'x'),
        outs: written,
      };
      const operands = { ...views(sources, 'x'), weights: weights.view, ...views(outs, 'out') };
      kernels.run(`mix ${JSON.stringify(problem)}`, (device) => planMix(problem, device), operands);
    },
    sources(gradients, weights, into) {
      const tensors = into.map(({ tensor }) => tensor);
      const outs = into.flatMap(({ tensor, accumulate }, i) =>
        rowsOf(tensor, `dx${i}`).map((row) => ({ ...row, accumulate })),
      );
      const { out, source, ...own } = weightsOf(weights);
      const turned = { ...own, out: source, source: out };
      const problem = { ...sizes(gradients[0]), weights: turned, sources: allRows(gradients, 'g'), outs };
      const operands = { ...views(gradients, 'g'), weights: weights.view, ...views(tensors, 'dx') };
      kernels.run(`mix ${JSON.stringify(problem)}`, (device) => planMix(problem, device), operands);
    },
    weights(gradients, sources, { tensor, accumulate }) {
      const problem = {
        ...sizes(sources[0]),
        weights: weightsOf(tensor),
        shared: tensor.rank === 2 ? { accumulate } : null,
        sources: allRows(sources, 'x'),
        gradients: allRows(gradients, 'g'),
      };
      const operands = { ...views(sources, 'x'), ...views(gradients, 'g'), dWeights: tensor.view };
      kernels.run(`mix-weights ${JSON.stringify(problem)}`, (device) => planMixWeights(problem, device), operands);
    },
  };
}
