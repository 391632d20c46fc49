import { planRope } from '@modajs/kernels';
import { sizeOf } from '../../../core/shape.ts';
import type { FusedKernels } from '../../../lower/patterns.ts';
import type { FamilyPrimitives } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { floatDType } from './float-dtype.ts';
import { offsetsOf, operandsOf, present } from './operands.ts';

function rope(runner: PlanRunner): FamilyPrimitives['rope'] {
  return (xView, positionsView, outView, { theta, frequencies, rotaryDim, interleaved, inverse }) => {
    const [x, positions, out] = [runner.operand(xView), runner.operand(positionsView), runner.operand(outView)];
    const [H, D] = xView.shape.slice(-2);
    const problem = {
      dtype: floatDType('rope', xView.dtype),
      tokens: sizeOf(positionsView.shape),
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

/** The rotation of one tensor, and of queries and keys in one pass. */
export function ropeOperations(
  runner: PlanRunner,
): Pick<FamilyPrimitives, 'rope'> & { readonly fused: Pick<FusedKernels, 'ropePair'> } {
  const { capabilities } = runner;
  return {
    rope: rope(runner),
    fused: {
      ropePair({ q, k, positions, outQ, outK, rope }) {
        // A dispatch cannot write two bindings of one buffer.
        if (outQ.storage === outK.storage) return false;
        const operands = operandsOf(runner, { x: q, y: k, positions, out: outQ, outY: outK });
        const { y, outY, ...offsets } = offsetsOf<typeof operands>(operands);
        const { theta, frequencies, rotaryDim, interleaved, inverse } = rope;
        const [B, T, H, D] = q.shape;
        const problem = {
          dtype: floatDType('rope', q.dtype),
          tokens: B * T,
          H,
          D,
          rotaryDim,
          theta,
          frequencies,
          isInterleaved: interleaved,
          isInverse: inverse,
          offsets,
          second: { H: k.shape[2], offsets: { y, outY } },
        };
        const plan = runner.plan(`rope ${JSON.stringify(problem)}`, () => planRope(problem, capabilities));
        runner.run(plan, present(operands));
        return true;
      },
    },
  };
}
