import { planCrossEntropy, planCrossEntropyBackward } from '@modajs/kernels';
import type { FamilyPrimitives } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';

/** The loss of rows of logits. */
export function crossEntropyOperations(
  runner: PlanRunner,
): Pick<FamilyPrimitives, 'crossEntropy' | 'crossEntropyBackward'> {
  return {
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
  };
}
