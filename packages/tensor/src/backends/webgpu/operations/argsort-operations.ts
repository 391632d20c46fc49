import { planArgsort } from '@modajs/kernels';
import type { FamilyPrimitives } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';

/** Orders of rows. */
export function argsortOperations(runner: PlanRunner): Pick<FamilyPrimitives, 'argsort'> {
  return {
    argsort(xView, outView, isDescending) {
      const x = runner.operand(xView);
      const out = runner.operand(outView);
      const { dtype, shape } = xView;
      const N = shape.at(-1) ?? 1;
      const rows = N === 0 ? 0 : shape.reduce((product, extent) => product * extent, 1) / N;
      const problem = { dtype, rows, N, isDescending, offset: x.start, outOffset: out.start };
      const plan = runner.plan(`argsort ${JSON.stringify(problem)}`, () => planArgsort(problem, runner.capabilities));
      runner.run(plan, { x, out });
    },
  };
}
