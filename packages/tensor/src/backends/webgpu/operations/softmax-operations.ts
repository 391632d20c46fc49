import { planSoftmax, planSoftmaxBackward } from '@modajs/kernels';
import type { FamilyPrimitives } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';
import { rowsOf } from './operands.ts';

/** Along the last axis. */
export function softmaxOperations(runner: PlanRunner): Pick<FamilyPrimitives, 'softmax' | 'softmaxBackward'> {
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
  };
}
