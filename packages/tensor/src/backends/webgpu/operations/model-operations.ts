import {
  planCrossEntropy,
  planCrossEntropyBackward,
  planGather,
  planGatherBackward,
  planRandom,
  planRope,
} from '@modajs/kernels';
import type { ArrayView, Backend } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';

type ModelOperations = Pick<
  Backend,
  | 'rope'
  | 'embedding'
  | 'embeddingBackward'
  | 'crossEntropy'
  | 'crossEntropyBackward'
  | 'gather'
  | 'gatherBackward'
  | 'random'
  | 'dropout'
>;

function sizeOf({ shape }: ArrayView): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** `[R, N, I]`: a table `[V, C]` is `[1, V, C]`. */
function threeAxes(shape: readonly number[]): [number, number, number] {
  const [I = 1, N = 1, R = 1] = shape.toReversed();
  return [R, N, I];
}

function gather(runner: PlanRunner, xView: ArrayView, indexView: ArrayView, outView: ArrayView): void {
  const [x, index, out] = [runner.operand(xView), runner.operand(indexView), runner.operand(outView)];
  const [R, N, I] = threeAxes(xView.shape);
  const offsets = { x: x.start, index: index.start, out: out.start };
  const problem = { dtype: xView.dtype, R, N, I, J: sizeOf(indexView), offsets };
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
    J: sizeOf(indexView),
    accumulate,
    offsets,
  };
  const plan = runner.plan(`gather-backward ${JSON.stringify(problem)}`, () =>
    planGatherBackward(problem, runner.capabilities),
  );
  runner.run(plan, { dOut, index, dx });
}

function rope(runner: PlanRunner): ModelOperations['rope'] {
  return (xView, positionsView, outView, { theta, frequencies, rotaryDim, interleaved, inverse }) => {
    const [x, positions, out] = [runner.operand(xView), runner.operand(positionsView), runner.operand(outView)];
    const [H, D] = xView.shape.slice(-2);
    const problem = {
      dtype: floatDType('rope', xView.dtype),
      tokens: sizeOf(positionsView),
      H,
      D,
      rotaryDim,
      theta,
      frequencies,
      isInterleaved: interleaved,
      isInverse: inverse,
      offsets: { x: x.start, positions: positions.start, out: out.start },
    };
    const plan = runner.plan(`rope ${JSON.stringify(problem)}`, () => planRope(problem, runner.capabilities));
    runner.run(plan, { x, positions, out });
  };
}

/** Operators of language models, and random numbers. */
export function modelOperations(runner: PlanRunner): ModelOperations {
  return {
    rope: rope(runner),
    embedding: (table, ids, out) => gather(runner, table, ids, out),
    embeddingBackward: (ids, dOut, dTable, accumulate) => gatherBackward(runner, dOut, ids, dTable, accumulate),
    gather: (x, index, out) => gather(runner, x, index, out),
    gatherBackward: (dOut, index, dx) => gatherBackward(runner, dOut, index, dx),
    crossEntropy(logitsView, targetsView, ignoreIndex, zLoss, lossView, lseView) {
      const [logits, targets] = [runner.operand(logitsView), runner.operand(targetsView)];
      const [loss, lse] = [runner.operand(lossView), runner.operand(lseView)];
      const [N, V] = logitsView.shape;
      const dtype = floatDType('crossEntropy', logitsView.dtype);
      const offsets = { logits: logits.start, targets: targets.start, loss: loss.start, lse: lse.start };
      const problem = { dtype, N, V, ignoreIndex, zLoss, offsets };
      const plan = runner.plan(`cross-entropy ${JSON.stringify(problem)}`, () =>
        planCrossEntropy(problem, runner.capabilities),
      );
      runner.run(plan, { logits, targets, loss, lse });
    },
    crossEntropyBackward(logitsView, targetsView, ignoreIndex, zLoss, lseView, dLossView, dLogitsView) {
      const [logits, targets] = [runner.operand(logitsView), runner.operand(targetsView)];
      const [lse, dLoss, dLogits] = [runner.operand(lseView), runner.operand(dLossView), runner.operand(dLogitsView)];
      const [N, V] = logitsView.shape;
      const dtype = floatDType('crossEntropy', logitsView.dtype);
      const isInPlace = logitsView.storage === dLogitsView.storage && logitsView.offset === dLogitsView.offset;
      const starts = { lse: lse.start, dLoss: dLoss.start, dLogits: dLogits.start };
      const offsets = { logits: logits.start, targets: targets.start, ...starts };
      const problem = { dtype, N, V, ignoreIndex, zLoss, isInPlace, offsets };
      const plan = runner.plan(`cross-entropy-backward ${JSON.stringify(problem)}`, () =>
        planCrossEntropyBackward(problem, runner.capabilities),
      );
      runner.run(plan, { logits, targets, lse, dLoss, dLogits });
    },
    // Streams move on with every call: their plans are not worth remembering.
    random(kind, seed, offset, outView) {
      const out = runner.operand(outView);
      const dtype = floatDType(kind, outView.dtype);
      const problem = { kind, dtype, size: sizeOf(outView), seed, offset, offsets: { out: out.start } };
      runner.run(planRandom(problem, runner.capabilities), { out });
    },
    dropout(xView, p, seed, offset, outView) {
      const [x, out] = [runner.operand(xView), runner.operand(outView)];
      const isInPlace = xView.storage === outView.storage && xView.offset === outView.offset;
      const dtype = floatDType('dropout', xView.dtype);
      const offsets = { x: x.start, out: out.start };
      const problem = { kind: 'dropout' as const, dtype, size: sizeOf(outView), seed, offset, p, isInPlace, offsets };
      runner.run(planRandom(problem, runner.capabilities), { x, out });
    },
  };
}
