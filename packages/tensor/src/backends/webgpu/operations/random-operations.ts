import { planRandom } from '@modajs/kernels';
import { sizeOf } from '../../../core/shape.ts';
import type { Backend } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';

/** Random numbers, and what drops them out. */
export function randomOperations(runner: PlanRunner): Pick<Backend, 'random' | 'dropout'> {
  return {
    // Streams move on with every call: their plans are not worth remembering.
    random(kind, seed, offset, outView) {
      const out = runner.operand(outView);
      const dtype = floatDType(kind, outView.dtype);
      const problem = { kind, dtype, size: sizeOf(outView.shape), seed, offset, offsets: { out: out.start } };
      runner.run(planRandom(problem, runner.capabilities), { out });
    },
    dropout(xView, p, seed, offset, outView) {
      const [x, out] = [runner.operand(xView), runner.operand(outView)];
      const isInPlace = xView.storage === outView.storage && xView.offset === outView.offset;
      const dtype = floatDType('dropout', xView.dtype);
      const offsets = { x: x.start, out: out.start };
      const problem = {
        kind: 'dropout' as const,
        dtype,
        size: sizeOf(outView.shape),
        seed,
        offset,
        p,
        isInPlace,
        offsets,
      };
      runner.run(planRandom(problem, runner.capabilities), { x, out });
    },
  };
}
