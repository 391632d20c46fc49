import { planNorm, planNormBackward } from '@modajs/kernels';
import type { FusedKernels } from '../../../lower/patterns.ts';
import type { AddedGradients, ArrayView, FamilyPrimitives } from '../../backend.ts';
import type { Operand, PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';
import { offsetsOf, operandsOf, present, rowsOf } from './operands.ts';

type NormOperations = Pick<FamilyPrimitives, 'rmsNorm' | 'rmsNormBackward' | 'layerNorm' | 'layerNormBackward'> & {
  readonly fused: Pick<FusedKernels, 'addNorm'>;
};

interface NormViews {
  readonly x: ArrayView;
  readonly weight: ArrayView | null;
  readonly bias: ArrayView | null;
  readonly out: ArrayView;
  readonly mean: ArrayView | null;
  readonly rstd: ArrayView;
}

interface NormGradientViews extends Omit<NormViews, 'bias' | 'out'> {
  readonly dOut: ArrayView;
  readonly dx: ArrayView;
  readonly dWeight: ArrayView | null;
  readonly dBias: ArrayView | null;
}

function norm(runner: PlanRunner, kind: 'rms' | 'layer', views: NormViews, eps: number): void {
  const operands = operandsOf(runner, views);
  runNorm(runner, kind, views.x, operands, offsetsOf<NormViews>(operands), eps);
}

/** A norm, or with the offsets of `residual` and `sum` the norm of a sum. */
function runNorm(
  runner: PlanRunner,
  kind: 'rms' | 'layer',
  x: ArrayView,
  operands: Readonly<Record<string, Operand | null>>,
  offsets: Parameters<typeof planNorm>[0]['offsets'],
  eps: number,
): void {
  const problem = { kind, dtype: floatDType(`${kind}Norm`, x.dtype), ...rowsOf(x), eps, offsets };
  const plan = runner.plan(`norm ${JSON.stringify(problem)}`, () => planNorm(problem, runner.capabilities));
  runner.run(plan, present(operands));
}

/** dWeight and dBias as one view where both are sums of one kind side by side, as in packed gradients; else null. */
function jointGradient({ dWeight, dBias }: NormGradientViews, added: AddedGradients): ArrayView | null {
  if (dWeight === null || dBias === null || dWeight.storage !== dBias.storage) return null;
  const [N] = dWeight.shape;
  const isAlike = dWeight.dtype === dBias.dtype && (added.dWeight ?? false) === (added.dBias ?? false);
  return isAlike && dBias.offset === dWeight.offset + N ? { ...dWeight, shape: [2 * N] } : null;
}

function normBackward(
  runner: PlanRunner,
  kind: 'rms' | 'layer',
  views: NormGradientViews,
  added: AddedGradients = {},
): void {
  const dtype = floatDType(`${kind}Norm`, views.x.dtype);
  const joint = jointGradient(views, added);
  const operands = operandsOf(runner, joint ? { ...views, dWeight: joint, dBias: null } : views);
  const offsets = offsetsOf<NormGradientViews>(operands);
  const sum = (view: ArrayView | null, accumulate = false) => ({
    dtype: floatDType('gradient', (view ?? views.x).dtype),
    accumulate,
  });
  const problem = {
    kind,
    dtype,
    ...rowsOf(views.x),
    isJoint: joint !== null,
    accumulate: added.dx ?? false,
    offsets,
    weightGradient: sum(views.dWeight, added.dWeight),
    biasGradient: sum(views.dBias, added.dBias),
  };
  const plan = runner.plan(`norm-backward ${JSON.stringify(problem)}`, () =>
    planNormBackward(problem, runner.capabilities),
  );
  runner.run(plan, present(operands));
}

/** Norms over the last axis, of a sum too. */
export function normOperations(runner: PlanRunner): NormOperations {
  return {
    rmsNorm(x, weight, eps, out, rstd) {
      norm(runner, 'rms', { x, weight, bias: null, out, mean: null, rstd }, eps);
    },
    rmsNormBackward(x, weight, rstd, dOut, dx, dWeight, added) {
      normBackward(runner, 'rms', { x, weight, mean: null, rstd, dOut, dx, dWeight, dBias: null }, added);
    },
    layerNorm(x, weight, bias, eps, out, mean, rstd) {
      norm(runner, 'layer', { x, weight, bias, out, mean, rstd }, eps);
    },
    layerNormBackward(x, weight, mean, rstd, dOut, dx, dWeight, dBias, added) {
      normBackward(runner, 'layer', { x, weight, mean, rstd, dOut, dx, dWeight, dBias }, added);
    },
    fused: {
      addNorm({ x, y: residual, weight, bias, eps, sum, out, mean, rstd }) {
        const operands = operandsOf(runner, { x, residual, weight, bias, sum, out, mean, rstd });
        runNorm(runner, mean === null ? 'rms' : 'layer', x, operands, offsetsOf<typeof operands>(operands), eps);
        return true;
      },
    },
  };
}
