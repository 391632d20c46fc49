import { planNorm, planNormBackward, planSoftmax, planSoftmaxBackward } from '@modajs/kernels';
import type { AddedGradients, ArrayView, Backend } from '../../backend.ts';
import type { Operand, PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';

type RowOperations = Pick<
  Backend,
  'softmax' | 'softmaxBackward' | 'rmsNorm' | 'rmsNormBackward' | 'layerNorm' | 'layerNormBackward'
>;

/** Rows and columns of a view whose leading axes are flattened. */
export function rowsOf({ shape }: ArrayView): { rows: number; N: number } {
  const rows = shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
  return { rows, N: shape.at(-1) ?? 1 };
}

/** Operands that are there, by name. */
export function present(operands: Readonly<Record<string, Operand | null>>): Record<string, Operand> {
  const entries = Object.entries(operands).filter((entry): entry is [string, Operand] => entry[1] !== null);
  return Object.fromEntries(entries);
}

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

type Optional<T> = { [name in keyof T]: Operand | null };

/** Operands of views, by name. */
export function operandsOf<T extends object>(runner: PlanRunner, views: T): Optional<T> {
  const entries = Object.entries(views).map(([name, view]) => [name, view && runner.operand(view as ArrayView)]);
  return Object.fromEntries(entries) as Optional<T>;
}

/** Where operands start in their bindings, by name. */
export function offsetsOf<T extends object>(operands: Optional<T>): { [name in keyof T]: number } {
  const entries = Object.entries(operands).map(([name, operand]) => [name, (operand as Operand | null)?.start ?? null]);
  return Object.fromEntries(entries) as { [name in keyof T]: number };
}

function norm(runner: PlanRunner, kind: 'rms' | 'layer', views: NormViews, eps: number): void {
  const operands = operandsOf(runner, views);
  runNorm(runner, kind, views.x, operands, offsetsOf<NormViews>(operands), eps);
}

/** A norm, or with the offsets of `residual` and `sum` the norm of a sum. */
export function runNorm(
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

/** Operators that work row by row. */
export function rowOperations(runner: PlanRunner): RowOperations {
  return {
    softmax(xView, outView, isLog) {
      const [x, out] = [runner.operand(xView), runner.operand(outView)];
      const dtype = floatDType('softmax', xView.dtype);
      const problem = { dtype, ...rowsOf(xView), isLog, offsets: { x: x.start, out: out.start } };
      const plan = runner.plan(`softmax ${JSON.stringify(problem)}`, () => planSoftmax(problem, runner.capabilities));
      runner.run(plan, { x, out });
    },
    softmaxBackward(yView, dyView, dxView, isLog) {
      const [y, dy, dx] = [runner.operand(yView), runner.operand(dyView), runner.operand(dxView)];
      const dtype = floatDType('softmax', yView.dtype);
      const problem = { dtype, ...rowsOf(yView), isLog, offsets: { y: y.start, dy: dy.start, dx: dx.start } };
      const plan = runner.plan(`softmax-backward ${JSON.stringify(problem)}`, () =>
        planSoftmaxBackward(problem, runner.capabilities),
      );
      runner.run(plan, { y, dy, dx });
    },
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
  };
}
