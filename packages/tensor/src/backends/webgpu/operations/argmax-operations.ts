import { planArgmax } from '@modajs/kernels';
import type { FamilyPrimitives } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';

/** Places of the largest. */
export function argmaxOperations(runner: PlanRunner): Pick<FamilyPrimitives, 'argmax'> {
  return {
    argmax(xView, outView) {
      const x = runner.operand(xView);
      const out = runner.operand(outView);
      const { dtype, shape } = xView;
      const N = shape.at(-1) ?? 1;
      const rows = outView.shape.reduce((product, extent) => product * extent, 1);
      const plan = runner.plan(`argmax ${dtype} ${rows} ${N} ${x.start} ${out.start}`, () =>
        planArgmax({ dtype, rows, N, offset: x.start, outOffset: out.start }, runner.capabilities),
      );
      runner.run(plan, { x, out });
    },
  };
}
