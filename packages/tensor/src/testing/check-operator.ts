import { fromHalf, toHalf } from '@modajs/kernels';
import { createReferenceBackend } from '../backends/reference/reference-backend.ts';
import { storageRound } from '../backends/reference/reference-storage.ts';
import { asParameter, backward } from '../core/autograd.ts';
import { Device } from '../core/device.ts';
import type { DType, FloatDType } from '../core/dtype.ts';
import { normalAt, uniformAt } from '../core/philox.ts';
import { scope } from '../core/scope.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { tensor } from '../ops/creation.ts';
import { add, mul } from '../ops/elementwise.ts';
import { sum } from '../ops/reductions.ts';
import { cast } from '../ops/views.ts';
import type { CaseInput, OperatorCase } from './operator-case.ts';

/** Outputs and input gradients of one run, as f64. */
interface Run {
  readonly outputs: readonly Float64Array[];
  /** Null for inputs without gradient. */
  readonly gradients: readonly (Float64Array | null)[];
}

export interface OperatorReport {
  readonly name: string;
  readonly dtype: FloatDType;
  /** Largest error of any output or gradient over its tolerance: at most 1 to pass. */
  readonly forwardRatio: number;
  readonly gradientRatio: number;
  /** Largest error relative to the largest value of the tensor. */
  readonly forwardError: number;
  readonly gradientError: number;
  /** Reference gradients against central differences, relative; null when not differentiable. */
  readonly centralDifferenceError: number | null;
  readonly isDeterministic: boolean;
  readonly passed: boolean;
  /** What failed, for people. */
  readonly message: string;
}

/** Error that a correct kernel may have when the naive one happens to have none, relative to the tensor's largest value. */
const FLOOR: Readonly<Record<FloatDType, number>> = { f32: 2 ** -21, f16: 2 ** -10, bf16: 2 ** -7 };
/** Central differences in f64 with h = 1e-5 are good to about 1e-9 for smooth functions of order 1. */
const CENTRAL_DIFFERENCE_TOLERANCE = 2e-6;

/**
 * Runs a case on a device and on the reference, forward and backward.
 * Tolerance: at most twice the error of the naive computation in the same precision, plus a floor (style rule).
 */
export async function checkOperator(
  operator: OperatorCase,
  device: Device,
  dtype: FloatDType = 'f32',
): Promise<OperatorReport> {
  const inputs = operator.inputs.map((input, i) => ({
    shape: input.shape,
    dtype: dtypeOf(input, dtype),
    values: hostValues(input, i, dtype),
    hasGradient: wantsGradient(operator, input),
  }));
  return checkRuns(operator, inputs, device, dtype);
}

/** An input with its values, whatever made them. */
export interface KnownInput {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly values: Float64Array;
  readonly hasGradient: boolean;
}

/** What `checkOperator` does, on given values: `dtype` is that of the tolerance. */
export async function checkRuns(
  operator: Omit<OperatorCase, 'inputs'>,
  inputs: readonly KnownInput[],
  device: Device,
  dtype: FloatDType,
): Promise<OperatorReport> {
  using truth = new Device(createReferenceBackend());
  using naive = new Device(createReferenceBackend({ round: dtype }));
  const expected = await runCase(operator, truth, inputs);
  const rounded = await runCase(operator, naive, inputs);
  const first = await runCase(operator, device, inputs);
  const second = await runCase(operator, device, inputs);
  const floor = operator.isExact ? 0 : (operator.floor ?? FLOOR[dtype]);
  const forward = compare(first.outputs, expected.outputs, rounded.outputs, floor);
  const gradient = compare(first.gradients, expected.gradients, rounded.gradients, operator.floor ?? FLOOR[dtype]);
  const difference =
    operator.isDifferentiable === false ? null : await centralDifferenceError(operator, truth, inputs, expected);
  const isDeterministic = sameBits(first, second);
  const failures = [
    forward.ratio <= 1
      ? ''
      : `forward error ${forward.error.toExponential(1)} is ${forward.ratio.toFixed(1)}x the tolerance`,
    gradient.ratio <= 1
      ? ''
      : `gradient error ${gradient.error.toExponential(1)} is ${gradient.ratio.toFixed(1)}x the tolerance`,
    difference === null || difference <= CENTRAL_DIFFERENCE_TOLERANCE
      ? ''
      : `gradient differs from central differences by ${difference.toExponential(1)}`,
    isDeterministic ? '' : 'two runs differ',
  ].filter((failure) => failure !== '');
  return {
    name: operator.name,
    dtype,
    forwardRatio: forward.ratio,
    gradientRatio: gradient.ratio,
    forwardError: forward.error,
    gradientError: gradient.error,
    centralDifferenceError: difference,
    isDeterministic,
    passed: failures.length === 0,
    message: failures.join('; '),
  };
}

function hostValues(input: CaseInput, index: number, dtype: FloatDType): Float64Array {
  const seed = 1000 + index;
  const size = sizeOf(input.shape);
  const at = (i: number): number => {
    if (input.data) return input.data[i];
    if (input.values === 'ids') return Math.floor(uniformAt(i, seed) * (input.below ?? 1));
    if (input.values === 'positive') return 0.5 + 1.5 * uniformAt(i, seed);
    // Multiples of 1/16 in scrambled order: no ties, and exact in f16.
    if (input.values === 'distinct') return (((i * 7919 + 13 * seed) % 509) - 254) / 16;
    return normalAt(i, seed);
  };
  const stored = (input.kind ?? 'float') === 'float' ? storageRound(dtype, dtype) : Math.fround;
  return Float64Array.from({ length: size }, (_, i) => stored(at(i)));
}

function dtypeOf(input: CaseInput, dtype: DType): DType {
  return input.kind === 'integer' ? 'i32' : input.kind === 'f32' ? 'f32' : dtype;
}

function wantsGradient(operator: OperatorCase, input: CaseInput): boolean {
  return operator.isDifferentiable !== false && input.kind !== 'integer' && !input.constant;
}

type Runnable = Pick<OperatorCase, 'run' | 'isDifferentiable'>;

async function runCase(operator: Runnable, device: Device, known: readonly KnownInput[]): Promise<Run> {
  using _ = scope();
  const inputs = known.map(({ shape, dtype, values, hasGradient }) => {
    const made = tensor(values, { shape, dtype, device });
    return hasGradient && operator.isDifferentiable !== false ? asParameter(made) : made;
  });
  const result = operator.run(inputs, device);
  const outputs = 'isTensor' in result ? [result] : result;
  if (operator.isDifferentiable !== false) backward(weightedSum(outputs, device));
  const host = async (x: Tensor | null): Promise<Float64Array | null> => x && Float64Array.from(await x.data());
  const hostOutputs: Float64Array[] = [];
  for (const output of outputs) hostOutputs.push((await host(output))!);
  const gradients: (Float64Array | null)[] = [];
  for (const [i, input] of inputs.entries()) {
    const hasGradient = known[i].hasGradient && operator.isDifferentiable !== false;
    gradients.push(hasGradient ? ((await host(input.grad)) ?? new Float64Array(input.size)) : null);
  }
  return { outputs: hostOutputs, gradients };
}

/** sum of outputs times fixed random weights: gradients of every output matter, none is special. */
function weightedSum(outputs: readonly Tensor[], device: Device): Tensor {
  return outputs
    .map((output, i) => {
      const weights = weightsOf(i, output.size);
      const wide = cast(output, 'f32');
      return sum(mul(wide, tensor(weights, { shape: output.shape, device })));
    })
    .reduce((a, b) => add(a, b));
}

function weightsOf(output: number, size: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => fromHalf(toHalf(normalAt(i, 500 + output))));
}

function compare(
  got: Run['gradients'],
  expected: Run['gradients'],
  naive: Run['gradients'],
  floor: number,
): { ratio: number; error: number } {
  let ratio = 0;
  let error = 0;
  got.forEach((values, i) => {
    const truth = expected[i];
    if (values === null || truth === null) return;
    const scale = Math.max(2 ** -60, ...finite(truth).map(Math.abs));
    const own = largestError(values, truth) / scale;
    const allowed = 2 * (largestError(naive[i]!, truth) / scale) + floor;
    error = Math.max(error, own);
    ratio = Math.max(ratio, own === 0 ? 0 : own / allowed);
  });
  return { ratio, error };
}

function finite(values: Float64Array): Float64Array {
  return values.filter(Number.isFinite);
}

/** Infinite where one value is NaN or infinite and the other is not the same. */
function largestError(values: Float64Array, truth: Float64Array): number {
  let largest = values.length === truth.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < truth.length; i++) {
    if (Object.is(values[i], truth[i]) || values[i] === truth[i]) continue;
    const difference = Math.abs(values[i] - truth[i]);
    largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return largest;
}

function sameBits(a: Run, b: Run): boolean {
  const all = (run: Run): (Float64Array | null)[] => [...run.outputs, ...run.gradients];
  const other = all(b);
  return all(a).every((values, i) => values === null || values.every((value, j) => Object.is(value, other[i]![j])));
}

/** Directional derivatives along random directions, all inputs at once, against the reference's gradients. */
async function centralDifferenceError(
  operator: Runnable,
  truth: Device,
  inputs: readonly KnownInput[],
  run: Run,
): Promise<number> {
  const h = 1e-5;
  let worst = 0;
  for (let trial = 0; trial < 3; trial++) {
    const directions = inputs.map(({ values }, i) =>
      Float64Array.from(values, (_, j) => (run.gradients[i] === null ? 0 : normalAt(j, 9000 + 10 * trial + i))),
    );
    const at = async (step: number): Promise<number> => {
      const moved = inputs.map((input, i) => ({
        ...input,
        values: input.values.map((x, j) => x + step * directions[i][j]),
      }));
      const { outputs } = await runCase({ run: operator.run, isDifferentiable: false }, truth, moved);
      return outputs.reduce((total, output, k) => {
        const weights = weightsOf(k, output.length);
        return total + output.reduce((s, y, j) => s + y * weights[j], 0);
      }, 0);
    };
    const numeric = ((await at(h)) - (await at(-h))) / (2 * h);
    const products = run.gradients.map(
      (gradient, i) => gradient?.map((g, j) => g * directions[i][j]) ?? new Float64Array(),
    );
    const analytic = products.reduce((total, list) => total + list.reduce((s, x) => s + x, 0), 0);
    const scale = products.reduce((total, list) => total + list.reduce((s, x) => s + x * x, 0), 0);
    worst = Math.max(worst, Math.abs(numeric - analytic) / Math.max(1e-3, Math.sqrt(scale)));
  }
  return worst;
}
