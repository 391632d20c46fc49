import { planCopy, planElementwise, planFill, planReduce, type StridedOperand } from '@modajs/kernels';
import type { ArrayView, Backend } from '../../backend.ts';
import type { BinaryOp, TernaryOp, UnaryOp } from '../../elementwise-ops.ts';
import type { Operand, PlanRunner } from '../plan-runner.ts';

type ElementwiseOperations = Pick<Backend, 'fill' | 'copy' | 'unary' | 'binary' | 'ternary' | 'reduce'>;

/** A view as a plan takes it. */
export function strided({ view, start }: Operand): StridedOperand {
  return { dtype: view.dtype, strides: view.strides, offset: start };
}

/** A view in a plan's key. */
export function viewKey({ view, start }: Operand): string {
  return `${view.dtype}[${view.shape}][${view.strides}]${start}`;
}

function isSameView(a: ArrayView, b: ArrayView): boolean {
  return a.storage === b.storage && a.offset === b.offset && a.strides.every((stride, d) => stride === b.strides[d]);
}

function elementwise(
  runner: PlanRunner,
  op: UnaryOp | BinaryOp | TernaryOp,
  views: readonly ArrayView[],
  outView: ArrayView,
  parameters: { readonly alpha?: number; readonly beta?: number } = {},
): void {
  const { alpha = 0, beta = 0 } = parameters;
  const inputs = views.map((view) => runner.operand(view));
  const out = runner.operand(outView);
  const isOut = views.map((view) => isSameView(view, outView));
  const key = `${op} ${inputs.map(viewKey)} ${viewKey(out)} ${isOut} ${alpha} ${beta}`;
  const plan = runner.plan(key, () =>
    planElementwise(
      { op, shape: outView.shape, inputs: inputs.map(strided), out: strided(out), isOut, alpha, beta },
      runner.capabilities,
    ),
  );
  const names = inputs.length === 1 ? ['x'] : ['a', 'b', 'c'];
  runner.run(plan, { ...Object.fromEntries(inputs.map((input, i) => [names[i], input])), out });
}

/** Elementwise operators, copies and reductions of the device contract. */
export function elementwiseOperations(runner: PlanRunner): ElementwiseOperations {
  return {
    fill(outView, value) {
      const out = runner.operand(outView);
      const size = outView.shape.reduce((product, extent) => product * extent, 1);
      const { dtype } = outView;
      const plan = runner.plan(`fill ${dtype} ${size} ${out.start} ${value}`, () =>
        planFill({ dtype, size, offset: out.start, value }, runner.capabilities),
      );
      runner.run(plan, { out });
    },
    copy(xView, outView) {
      const x = runner.operand(xView);
      const out = runner.operand(outView);
      const plan = runner.plan(`copy ${viewKey(x)} ${viewKey(out)}`, () =>
        planCopy({ shape: outView.shape, x: strided(x), out: strided(out) }, runner.capabilities),
      );
      runner.run(plan, { x, out });
    },
    unary: (op, x, out, alpha, beta) => elementwise(runner, op, [x], out, { alpha, beta }),
    binary: (op, a, b, out) => elementwise(runner, op, [a, b], out),
    ternary: (op, a, b, c, out) => elementwise(runner, op, [a, b, c], out),
    reduce(op, xView, axes, outView, accumulate = false) {
      const x = runner.operand(xView);
      const out = runner.operand(outView);
      const plan = runner.plan(`reduce ${op} ${axes} ${viewKey(x)} ${viewKey(out)} ${accumulate}`, () =>
        planReduce(
          { op, shape: xView.shape, axes, x: strided(x), out: { dtype: outView.dtype, offset: out.start }, accumulate },
          runner.capabilities,
        ),
      );
      runner.run(plan, { x, out });
    },
  };
}
