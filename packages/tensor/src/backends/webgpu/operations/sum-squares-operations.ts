import { planSumSquares } from '@modajs/kernels';
import { sizeOf } from '../../../core/shape.ts';
import type { FamilyPrimitives } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';

/** The norm of all gradients, squared. */
export function sumSquaresOperations(runner: PlanRunner): Pick<FamilyPrimitives, 'sumSquares'> {
  return {
    sumSquares(views, outView) {
      const operands = views.map((view) => runner.operand(view));
      const out = runner.operand(outView);
      const arrays = operands.map(({ view, start }) => ({
        dtype: floatDType('sumSquares', view.dtype),
        size: sizeOf(view.shape),
        offset: start,
      }));
      const plan = runner.plan(`sum-squares ${JSON.stringify(arrays)} ${out.start}`, () =>
        planSumSquares({ arrays, outOffset: out.start }, runner.capabilities),
      );
      const named = Object.fromEntries(operands.map((operand, i) => [`x${i}`, operand]));
      runner.run(plan, { ...named, out });
    },
  };
}
