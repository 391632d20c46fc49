import { planNormRope, planNormRopeBackward } from '@modajs/kernels';
import type { FusedKernels } from '../../../lower/patterns.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';
import { offsetsOf, operandsOf, present } from './operands.ts';

/** One kernel for norm and rotation, one for both gradients: on a GPU a pass more costs more than its work. */
export function normRopeOperations(runner: PlanRunner): {
  readonly fused: Pick<FusedKernels, 'normRope' | 'normRopeGradient'>;
} {
  const { capabilities } = runner;
  return {
    fused: {
      normRope({ x, weight, positions, full, eps, out, rstd, rope }) {
        const operands = operandsOf(runner, { x, weight, positions, out, rstd });
        const { theta, frequencies, rotaryDim, interleaved } = rope;
        const [B, T, H, D] = x.shape;
        const problem = {
          dtype: floatDType('rmsNormRope', x.dtype),
          tokens: B * T,
          H,
          D,
          scope: full ? ('full' as const) : ('head' as const),
          eps,
          rotaryDim,
          theta,
          frequencies,
          isInterleaved: interleaved,
          offsets: offsetsOf<typeof operands>(operands),
        };
        const plan = runner.plan(`norm-rope ${JSON.stringify(problem)}`, () => planNormRope(problem, capabilities));
        runner.run(plan, present(operands));
        return true;
      },
      normRopeGradient({ x, weight, positions, full, rstd, rope, dOut, dx, dWeight, accumulate }) {
        const operands = operandsOf(runner, { x, positions, weight, rstd, dOut, dx, dWeight });
        const { theta, frequencies, interleaved } = rope;
        const [B, T, H, D] = dOut.shape;
        const problem = {
          dtype: floatDType('rope', dOut.dtype),
          tokens: B * T,
          H,
          D,
          scope: full ? ('full' as const) : ('head' as const),
          theta,
          frequencies,
          isInterleaved: interleaved,
          stride: H * D,
          weightGradient: dWeight ? { dtype: floatDType('weight gradient', dWeight.dtype), accumulate } : undefined,
          offsets: offsetsOf<typeof operands>(operands),
        };
        const plan = runner.plan(`norm-rope-backward ${JSON.stringify(problem)}`, () =>
          planNormRopeBackward(problem, capabilities),
        );
        runner.run(plan, present(operands));
        return true;
      },
    },
  };
}
