import { planGather, planGatherBackward } from '@modajs/kernels';
import { sizeOf } from '../../../core/shape.ts';
import type { ArrayView, FamilyPrimitives } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';

type GatherOperations = Pick<FamilyPrimitives, 'embedding' | 'embeddingBackward' | 'gather' | 'gatherBackward'>;

/** `[R, N, I]`: a table `[V, C]` is `[1, V, C]`. */
function threeAxes(shape: readonly number[]): [number, number, number] {
  const [I = 1, N = 1, R = 1] = shape.toReversed();
  return [R, N, I];
}

function gather(runner: PlanRunner, xView: ArrayView, indexView: ArrayView, outView: ArrayView): void {
  const [x, index, out] = [runner.operand(xView), runner.operand(indexView), runner.operand(outView)];
  const [R, N, I] = threeAxes(xView.shape);
  const offsets = { x: x.start, index: index.start, out: out.start };
  const problem = { dtype: xView.dtype, R, N, I, J: sizeOf(indexView.shape), offsets };
  const plan = runner.plan(`gather ${JSON.stringify(problem)}`, () => planGather(problem, runner.capabilities));
  runner.run(plan, { x, index, out });
}

function gatherBackward(
  runner: PlanRunner,
  dOutView: ArrayView,
  indexView: ArrayView,
  dxView: ArrayView,
  accumulate = false,
): void {
  const [dOut, index, dx] = [runner.operand(dOutView), runner.operand(indexView), runner.operand(dxView)];
  const [R, N, I] = threeAxes(dxView.shape);
  const offsets = { dOut: dOut.start, index: index.start, dx: dx.start };
  const problem = {
    dOutDtype: dOutView.dtype,
    dxDtype: dxView.dtype,
    R,
    N,
    I,
    J: sizeOf(indexView.shape),
    accumulate,
    offsets,
  };
  const plan = runner.plan(`gather-backward ${JSON.stringify(problem)}`, () =>
    planGatherBackward(problem, runner.capabilities),
  );
  runner.run(plan, { dOut, index, dx });
}

/** Rows by index, and their adjoint. */
export function gatherOperations(runner: PlanRunner): GatherOperations {
  return {
    embedding: (table, ids, out) => gather(runner, table, ids, out),
    embeddingBackward: (ids, dOut, dTable, accumulate) => gatherBackward(runner, dOut, ids, dTable, accumulate),
    gather: (x, index, out) => gather(runner, x, index, out),
    gatherBackward: (dOut, index, dx) => gatherBackward(runner, dOut, index, dx),
  };
}
