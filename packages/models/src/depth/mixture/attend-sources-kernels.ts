import { planSourceAttention, planSourceAttentionBackward } from '@modajs/kernels';
import type { Tensor } from '@modajs/tensor';
import { floatDType, type WebGpuKernels } from '@modajs/tensor/extend';
import type { GradientMemory } from './own-storage.ts';

/** Row-major tensors of attention over sources: sources `[B, T, C]`, query `[C]`, stats f32 `[2, B * T]`. */
export interface SourceAttentionTensors {
  readonly sources: readonly Tensor[];
  readonly query: Tensor;
  readonly out: Tensor;
  /** The first half is written by the forward pass, the second by the backward. */
  readonly stats: Tensor;
}

/** Attention over sources on WebGPU: each source is read once each way. */
export interface SourceAttentionKernels {
  forward(eps: number, tensors: SourceAttentionTensors): void;
  /** @param dQuery null where nobody wants it */
  backward(
    eps: number,
    tensors: SourceAttentionTensors,
    dOut: Tensor,
    gradients: readonly GradientMemory[],
    dQuery: GradientMemory | null,
  ): void;
}

export function sourceAttentionKernels(kernels: WebGpuKernels): SourceAttentionKernels {
  const start = (tensor: Tensor): number => kernels.bindingOf(tensor.view).start;
  const problemOf = (eps: number, { sources, query, out, stats }: SourceAttentionTensors) => {
    const [B, T, C] = out.shape;
    const places = { sources: sources.map(start), query: start(query), out: start(out), stats: start(stats) };
    return { dtype: floatDType('attention residual', out.dtype), tokens: B * T, C, eps, ...places };
  };
  const named = (prefix: string, tensors: readonly Tensor[]) =>
    Object.fromEntries(tensors.map((tensor, i) => [`${prefix}${i}`, tensor.view]));
  const operandsOf = ({ sources, query, out, stats }: SourceAttentionTensors) => {
    return { ...named('x', sources), query: query.view, out: out.view, stats: stats.view };
  };
  return {
    forward(eps, tensors) {
      const problem = problemOf(eps, tensors);
      const key = `source-attention ${JSON.stringify(problem)}`;
      kernels.run(key, (device) => planSourceAttention(problem, device), operandsOf(tensors));
    },
    backward(eps, tensors, dOut, gradients, dQuery) {
      const problem = {
        ...problemOf(eps, tensors),
        dOut: start(dOut),
        gradients: gradients.map(({ tensor, accumulate }) => ({ start: start(tensor), accumulate })),
        dQuery: dQuery && {
          dtype: floatDType('query gradient', dQuery.tensor.dtype),
          start: start(dQuery.tensor),
          accumulate: dQuery.accumulate,
        },
      };
      const key = `source-attention-backward ${JSON.stringify(problem)}`;
      const written = gradients.map(({ tensor }) => tensor);
      kernels.run(key, (device) => planSourceAttentionBackward(problem, device), {
        ...operandsOf(tensors),
        dOut: dOut.view,
        ...named('dx', written),
        dQuery: dQuery?.tensor.view ?? null,
      });
    },
  };
}
