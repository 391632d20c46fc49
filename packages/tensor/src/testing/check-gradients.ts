import { isFloat } from '../core/dtype.ts';
import { AutogradError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { callback } from '../core/value-checks.ts';
import { checkOperandList } from '../ops/checks.ts';
import { checkRuns, type OperatorReport } from './check-operator.ts';

/**
 * Holds a function of tensors to its f64 truth, as PyTorch's `gradcheck` and as every operator of this library is held: its
 * gradients on the f64 reference device to central differences, and values and gradients on the inputs' device to those, within
 * twice the error of the naive computation in the same precision and a floor of 2^-21 of the largest value (2^-10 with f16).
 * All float inputs are differentiated, along random directions. Values must be away from kinks.
 *
 * @param f makes every other tensor that it needs from its inputs, for it also runs on the reference device
 * @param inputs values on the device under test; they stay as they are
 * @returns the errors found
 * @throws AutogradError when they are too large, with the figures; what `f` throws, such as KernelError for a kernel without `cpu`
 */
export async function checkGradients(
  f: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
): Promise<OperatorReport> {
  callback('checkGradients', 'f', f);
  const device = checkOperandList('checkGradients', 'inputs', inputs);
  const known = await Promise.all(
    inputs.map(async (input) => ({
      shape: input.shape,
      dtype: input.dtype,
      values: Float64Array.from(await input.data()),
      hasGradient: isFloat(input.dtype),
    })),
  );
  const floats = known.map((input) => input.dtype).filter(isFloat);
  const dtype = floats.find((name) => name !== 'f32') ?? 'f32';
  const operator = { name: f.name || 'f', run: (tensors: Tensor[]) => f(...tensors) };
  const report = await checkRuns(operator, known, device, dtype);
  if (!report.passed) {
    throw new AutogradError(
      `checkGradients: ${report.name} must have the values and gradients of f64 on ${device}, got: ${report.message}. Compare its backward with its formula.`,
      { report },
    );
  }
  return report;
}
