import { planNormRope, planNormRopeBackward, planRope } from '@modajs/kernels';
import type { ArrayView, RopeOptions } from '../../backend.ts';
import type { FusedRope, RopeNorm } from '../../fused-rope.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';
import { offsetsOf, operandsOf, present } from './row-operations.ts';

function scopeOf(norm: RopeNorm | null): 'full' | 'head' | 'none' {
  if (norm === null) return 'none';
  return norm.full ? 'full' : 'head';
}

interface GradientViews {
  /** Keys, or keys and values; null without a norm. */
  readonly x: ArrayView | null;
  readonly positions: ArrayView;
  readonly dOut: ArrayView;
  readonly dV: ArrayView | null;
  readonly dx: ArrayView;
  readonly dWeight: ArrayView | null;
}

/** How a weight's gradient is stored, for a plan. */
export function weightGradientOf(dWeight: ArrayView | null, accumulate: boolean) {
  return dWeight ? { weightGradient: { dtype: floatDType('weight gradient', dWeight.dtype), accumulate } } : {};
}

/** Norm, rotation and what lies around them in one pass each way. */
export function fusedRope(runner: PlanRunner): FusedRope {
  const gradient = (
    views: GradientViews,
    norm: RopeNorm | null,
    { theta, frequencies, interleaved }: RopeOptions,
    accumulate: boolean,
  ): void => {
    const operands = operandsOf(runner, { ...views, weight: norm?.weight ?? null, rstd: norm?.rstd ?? null });
    const { x, rstd, dV, ...starts } = offsetsOf<typeof operands>(operands);
    const [B, T, H, D] = views.dOut.shape;
    const problem = {
      dtype: floatDType('rope', views.dOut.dtype),
      tokens: B * T,
      H,
      D,
      scope: scopeOf(norm),
      theta,
      frequencies,
      isInterleaved: interleaved,
      stride: (dV === null ? 1 : 2) * H * D,
      ...weightGradientOf(views.dWeight, accumulate),
      offsets: { ...starts, x: x ?? 0, rstd: rstd ?? 0, ...(dV === null ? {} : { dV }) },
    };
    const plan = runner.plan(`norm-rope-backward ${JSON.stringify(problem)}`, () =>
      planNormRopeBackward(problem, runner.capabilities),
    );
    runner.run(plan, present(operands));
  };
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
    normGradient(x, positions, norm, rope, dOut, dx, dWeight, accumulate) {
      gradient({ x, positions, dOut, dV: null, dx, dWeight }, norm, rope, accumulate);
    },
    keyValues({ both, positions, norm, rope }, k, v) {
      const weight = norm?.weight ?? null;
      const operands = operandsOf(runner, { x: both, weight, positions, out: k, rstd: norm?.rstd ?? null, v });
      const { rstd, ...starts } = offsetsOf<typeof operands>(operands);
      const [B, T, H, D] = k.shape;
      const problem = {
        dtype: floatDType('rope', k.dtype),
        tokens: B * T,
        H,
        D,
        scope: scopeOf(norm),
        eps: norm?.eps ?? 0,
        rotaryDim: D,
        theta: rope.theta,
        frequencies: rope.frequencies,
        isInterleaved: rope.interleaved,
        stride: 2 * H * D,
        offsets: { ...starts, rstd: rstd ?? 0 },
      };
      const plan = runner.plan(`norm-rope ${JSON.stringify(problem)}`, () =>
        planNormRope(problem, runner.capabilities),
      );
      runner.run(plan, present(operands));
    },
    keyValueGradients({ both, positions, norm, rope }, dk, dv, dBoth, dWeight, accumulate) {
      gradient({ x: both, positions, dOut: dk, dV: dv, dx: dBoth, dWeight }, norm, rope, accumulate);
    },
  };
}
