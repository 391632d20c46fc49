import { planNormRopeBackward, planRope } from '@modajs/kernels';
import type { ArrayView } from '../../backend.ts';
import type { FusedRope } from '../../fused-rope.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';
import { offsetsOf, operandsOf, present } from './row-operations.ts';

/** How a weight's gradient is stored, for a plan. */
export function weightGradientOf(dWeight: ArrayView | null, accumulate: boolean) {
  return dWeight ? { weightGradient: { dtype: floatDType('weight gradient', dWeight.dtype), accumulate } } : {};
}

/** Norm, rotation and what lies around them in one pass each way. */
export function fusedRope(runner: PlanRunner): FusedRope {
  return {
    ropePair(qView, kView, positionsView, outQView, outKView, { theta, frequencies, rotaryDim, interleaved, inverse }) {
      const [x, y, positions] = [qView, kView, positionsView].map((view) => runner.operand(view));
      const [out, outY] = [outQView, outKView].map((view) => runner.operand(view));
      const [B, T, H, D] = qView.shape;
      const problem = {
        dtype: floatDType('rope', qView.dtype),
        tokens: B * T,
        H,
        D,
        rotaryDim,
        theta,
        frequencies,
        isInterleaved: interleaved,
        isInverse: inverse,
        offsets: { x: x.start, positions: positions.start, out: out.start },
        second: { H: kView.shape[2], offsets: { y: y.start, outY: outY.start } },
      };
      const plan = runner.plan(`rope ${JSON.stringify(problem)}`, () => planRope(problem, runner.capabilities));
      runner.run(plan, { x, y, positions, out, outY });
    },
    normGradient(
      x,
      positions,
      { full, weight, rstd },
      { theta, frequencies, interleaved },
      dOut,
      dx,
      dWeight,
      accumulate,
    ) {
      const operands = operandsOf(runner, { x, positions, weight, rstd, dOut, dx, dWeight });
      const [B, T, H, D] = dOut.shape;
      const problem = {
        dtype: floatDType('rope', dOut.dtype),
        tokens: B * T,
        H,
        D,
        scope: full ? 'full' : 'head',
        theta,
        frequencies,
        isInterleaved: interleaved,
        stride: H * D,
        ...weightGradientOf(dWeight, accumulate),
        offsets: offsetsOf<typeof operands>(operands),
      } as const;
      const plan = runner.plan(`norm-rope-backward ${JSON.stringify(problem)}`, () =>
        planNormRopeBackward(problem, runner.capabilities),
      );
      runner.run(plan, present(operands));
    },
  };
}
