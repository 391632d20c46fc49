import { planNormRope, planNormRopeBackward, planRope, planSwigluBackward } from '@modajs/kernels';
import type { FusedKernels } from '../../../lower/patterns.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { strided, viewKey } from './elementwise-operations.ts';
import { floatDType } from './float-dtype.ts';
import { offsetsOf, operandsOf, present, runNorm } from './row-operations.ts';

/** One kernel for each pattern: on a GPU a pass more costs more than its work. */
export function fusedKernels(runner: PlanRunner): Required<FusedKernels> {
  const { capabilities } = runner;
  return {
    addNorm({ x, y: residual, weight, bias, eps, sum, out, mean, rstd }) {
      const operands = operandsOf(runner, { x, residual, weight, bias, sum, out, mean, rstd });
      runNorm(runner, mean === null ? 'rms' : 'layer', x, operands, offsetsOf<typeof operands>(operands), eps);
      return true;
    },
    normRope({ x, weight, positions, full, eps, out, rstd, rope }) {
      const operands = operandsOf(runner, { x, weight, positions, out, rstd });
      const { theta, frequencies, rotaryDim, interleaved } = rope;
      const [B, T, H, D] = x.shape;
      const problem = {
        dtype: floatDType('rmsNormRope', x.dtype),
        tokens: B * T,
        H,
        D,
        scope: full ? ('full' as const) : ('head' as const),
        eps,
        rotaryDim,
        theta,
        frequencies,
        isInterleaved: interleaved,
        offsets: offsetsOf<typeof operands>(operands),
      };
      const plan = runner.plan(`norm-rope ${JSON.stringify(problem)}`, () => planNormRope(problem, capabilities));
      runner.run(plan, present(operands));
      return true;
    },
    normRopeGradient({ x, weight, positions, full, rstd, rope, dOut, dx, dWeight, accumulate }) {
      const operands = operandsOf(runner, { x, positions, weight, rstd, dOut, dx, dWeight });
      const { theta, frequencies, interleaved } = rope;
      const [B, T, H, D] = dOut.shape;
      const problem = {
        dtype: floatDType('rope', dOut.dtype),
        tokens: B * T,
        H,
        D,
        scope: full ? ('full' as const) : ('head' as const),
        theta,
        frequencies,
        isInterleaved: interleaved,
        stride: H * D,
        weightGradient: dWeight ? { dtype: floatDType('weight gradient', dWeight.dtype), accumulate } : undefined,
        offsets: offsetsOf<typeof operands>(operands),
      };
      const plan = runner.plan(`norm-rope-backward ${JSON.stringify(problem)}`, () =>
        planNormRopeBackward(problem, capabilities),
      );
      runner.run(plan, present(operands));
      return true;
    },
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
    swigluGradient(views) {
      const operands = present(operandsOf(runner, views));
      const { gate, up, dOut, dGate, dUp } = operands;
      const plan = runner.plan(`swiglu-backward ${[gate, up, dOut, dGate, dUp].map(viewKey)}`, () =>
        planSwigluBackward(
          {
            dtype: floatDType('swiglu', dOut.view.dtype),
            shape: dOut.view.shape,
            gate: strided(gate),
            up: strided(up),
            dOut: strided(dOut),
            offsets: { dGate: dGate.start, dUp: dUp.start },
          },
          capabilities,
        ),
      );
      runner.run(plan, operands);
      return true;
    },
  };
}
