import { planAdamW } from '@modajs/kernels';
import { sizeOf } from '../../../core/shape.ts';
import type { FamilyPrimitives } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';
import { present } from './operands.ts';

/** The optimiser's step. */
export function adamwOperations(runner: PlanRunner): Pick<FamilyPrimitives, 'adamw'> {
  return {
    adamw(args) {
      const { params, grads, m, v, weightDecay, gradScale, ...numbers } = args;
      const scale = gradScale && runner.operand(gradScale);
      params.forEach((paramView, i) => {
        const [param, grad] = [runner.operand(paramView), runner.operand(grads[i])];
        const [first, second] = [runner.operand(m[i]), runner.operand(v[i])];
        const starts = { param: param.start, grad: grad.start, m: first.start, v: second.start };
        // Learning rate and bias corrections change every step: these plans are not remembered.
        const plan = planAdamW(
          {
            ...numbers,
            gradDtype: floatDType('adamw', grads[i].dtype),
            size: sizeOf(paramView.shape),
            weightDecay: weightDecay[i],
            offsets: { ...starts, scale: scale?.start ?? null },
          },
          runner.capabilities,
        );
        runner.run(plan, present({ param, grad, m: first, v: second, scale }));
      });
    },
  };
}
