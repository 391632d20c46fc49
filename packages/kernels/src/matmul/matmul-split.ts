import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPass, KernelPlan } from '../plan/plan.ts';
import { specialize } from '../plan/specialize.ts';
import { elementTypes, epilogueConstants, withExtensions } from './matmul-pass.ts';
import type { MatmulProblem } from './matmul-problem.ts';
import reduceSource from './matmul-reduce.wgsl';
import { matmulUniform, type Slices } from './matmul-uniform.ts';

const PARTIALS = 'matmulPartials';

/** Slices of whole blocks of K; fewer than asked for when K is short. */
export function sliceK({ M, N, K, batch }: MatmulProblem, splitK: number, blockK: number): Slices {
  const stride = M * N * batch;
  const length = Math.ceil(Math.ceil(K / blockK) / splitK) * blockK;
  const count = length === 0 ? 1 : Math.ceil(K / length);
  return count <= 1 ? { count: 1, length: K, stride } : { count, length, stride };
}

/**
 * One pass, or with several slices of K two: f32 partial sums of every slice, then their sum with the epilogue.
 *
 * @param multiply the pass that computes a problem slice by slice
 * @throws KernelError when the partial sums exceed a binding
 */
export function planSlices(
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
  slices: Slices,
  multiply: (problem: MatmulProblem) => KernelPass,
): KernelPlan {
  if (slices.count === 1) return { passes: [multiply(problem)], workspace: {} };
  const { M, N, K, batch, a, b } = problem;
  const bytes = slices.count * slices.stride * 4;
  if (bytes > capabilities.maxBindingBytes) {
    throw new KernelError(
      `kernels: matmul of ${slices.count} slices needs ${bytes} B of partial sums; a binding holds ${capabilities.maxBindingBytes}. Use a smaller splitK.`,
      { bytes, slices: slices.count },
    );
  }
  const partial = multiply({ M, N, K, batch, a, b, out: { dtype: 'f32', ld: N, batchStride: M * N, offset: 0 } });
  const bindings = partial.bindings.map((binding) =>
    binding.buffer === 'out' ? { ...binding, buffer: PARTIALS } : binding,
  );
  return {
    passes: [{ ...partial, bindings }, reducePass(problem, capabilities, slices)],
    workspace: { [PARTIALS]: bytes },
  };
}

function reducePass(problem: MatmulProblem, capabilities: DeviceCapabilities, slices: Slices): KernelPass {
  const workgroups = foldWorkgroups(Math.ceil(slices.stride / 256), capabilities);
  const { OutElement, BiasElement } = elementTypes(problem);
  return {
    label: `matmul-reduce ${slices.count}`,
    shader: withExtensions(specialize(reduceSource, { OutElement, BiasElement }), problem),
    constants: epilogueConstants(problem),
    bindings: [
      ...reads(PARTIALS, problem.bias ? 'bias' : PARTIALS, problem.residual ? 'residual' : PARTIALS),
      ...writes('out'),
    ],
    uniform: matmulUniform(problem, slices, workgroups[0]),
    workgroups,
  };
}
