import { planSwigluBackward } from '@modajs/kernels';
import type { FusedKernels } from '../../../lower/patterns.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { strided, viewKey } from './elementwise-operations.ts';
import { floatDType } from './float-dtype.ts';
import { operandsOf, present } from './operands.ts';

/** Both gradients of `swiglu` in one pass. */
export function swigluOperations(runner: PlanRunner): { readonly fused: Pick<FusedKernels, 'swigluGradient'> } {
  const { capabilities } = runner;
  return {
    fused: {
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
    },
  };
}
