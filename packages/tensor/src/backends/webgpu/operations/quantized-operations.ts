import { planDequantize, planQuantizedProduct } from '@modajs/kernels';
import type { ArrayView, FamilyPrimitives } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { withContiguous } from './contiguous.ts';
import { floatDType } from './float-dtype.ts';

/** Products with quantized matrices, and their numbers. */
export function quantizedOperations(runner: PlanRunner): Pick<FamilyPrimitives, 'quantizedProduct' | 'dequantize'> {
  const quantizedProduct: FamilyPrimitives['quantizedProduct'] = (xView, matrix, outView) => {
    const run = (view: ArrayView): void => {
      const [x, out] = [runner.operand(view), runner.operand(outView)];
      const [codes, scales] = [runner.operand(matrix.codes), runner.operand(matrix.scales)];
      const [O, I] = matrix.shape;
      const problem = {
        format: matrix.format,
        dtype: floatDType('quantizedProduct', view.dtype),
        M: outView.shape[0],
        O,
        I,
        offsets: { x: x.start, codes: codes.start, scales: 2 * scales.start, out: out.start },
      };
      const plan = runner.plan(`quantized-product ${JSON.stringify(problem)}`, () =>
        planQuantizedProduct(problem, runner.capabilities),
      );
      runner.run(plan, { x, codes, scales, out });
    };
    // Rows are read four numbers at a time.
    if (runner.operand(xView).start % 4 === 0) run(xView);
    else withContiguous(runner, xView, run);
  };
  return {
    quantizedProduct,
    dequantize({ format, shape, codes: codesView, scales: scalesView }, outView) {
      const [codes, scales, out] = [codesView, scalesView, outView].map((view) => runner.operand(view));
      const problem = {
        format,
        dtype: floatDType('dequantize', outView.dtype),
        count: shape[0] * shape[1],
        offsets: { codes: codes.start, scales: 2 * scales.start, out: out.start },
      };
      const plan = runner.plan(`dequantize ${JSON.stringify(problem)}`, () =>
        planDequantize(problem, runner.capabilities),
      );
      runner.run(plan, { codes, scales, out });
    },
  };
}
