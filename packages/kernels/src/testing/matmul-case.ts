import type { MatmulConfig } from '../matmul/matmul-config.ts';
import type { MatmulLayout, MatmulProblem } from '../matmul/matmul-problem.ts';
import { storedShape } from '../matmul/matmul-problem.ts';
import { matmulReference } from '../matmul/matmul-reference.ts';
import { planMatmul } from '../matmul/plan-matmul.ts';
import type { FloatDType } from '../plan/dtype-table.ts';
import { fromHalf, storedArray, storedValue } from './half.ts';
import type { KernelDevice } from './kernel-device.ts';
import { randomArray } from './random.ts';
import { type OperandArray, runPlan } from './run-plan.ts';

/** A problem by its shape alone; operands are dense unless padded. */
export interface MatmulCase {
  readonly shape: readonly [batch: number, M: number, N: number, K: number];
  /** `NN`, `NT`, `TN`, `TT`: whether A and B are stored transposed. */
  readonly layout?: string;
  /** dtypes of A, B and out. */
  readonly dtypes?: readonly [FloatDType, FloatDType, FloatDType];
  /** Elements added to every row, entry and start. */
  readonly padding?: number;
  /** Rows of A and B are stored a multiple of this many elements apart. */
  readonly rowMultiple?: number;
  readonly more?: Partial<MatmulProblem>;
  /** Adds a bias, a residual. */
  readonly bias?: boolean;
  readonly residual?: boolean;
  /** Whether every batch entry reads the same B. */
  readonly broadcastB?: boolean;
}

/** Spells a case out. */
export function matmulProblem(test: MatmulCase): MatmulProblem {
  const [batch, M, N, K] = test.shape;
  const [left, right, result] = test.dtypes ?? ['f32', 'f32', 'f32'];
  const layout = test.layout ?? 'NN';
  const padding = test.padding ?? 0;
  const dense = (dtype: FloatDType, rows: number, columns: number, multiple = 1): MatmulLayout => {
    const ld = Math.ceil(columns / multiple) * multiple + padding;
    return { dtype, ld, batchStride: rows * ld + padding, offset: padding };
  };
  const stored = (dtype: FloatDType, rows: number, columns: number, transposed: boolean) => ({
    ...(transposed ? dense(dtype, columns, rows, test.rowMultiple) : dense(dtype, rows, columns, test.rowMultiple)),
    transposed,
  });
  const b = stored(right, K, N, layout[1] === 'T');
  return {
    M,
    N,
    K,
    batch,
    a: stored(left, M, K, layout[0] === 'T'),
    b: test.broadcastB ? { ...b, batchStride: 0 } : b,
    out: dense(result, M, N),
    ...(test.bias ? { bias: { dtype: right, offset: padding } } : {}),
    ...(test.residual ? { residual: dense(result, M, N) } : {}),
    ...test.more,
  };
}

/** Largest error against f64 of a plan's result and of the naive computation in the result's precision. */
export interface MatmulErrors {
  readonly error: number;
  readonly naive: number;
  /** Elements of the out buffer that are not part of the matrix and were changed. */
  readonly strays: number;
  /** Whether a second run gave the same bits. */
  readonly repeats: boolean;
}

/** A few roundings of a result. */
const FLOORS: Readonly<Record<FloatDType, number>> = { f32: 2e-6, f16: 2e-3 };

/** Twice the error of the naive computation, with a floor of a few roundings of the result. */
export function matmulTolerance(test: MatmulCase, naive: number): number {
  return 2 * naive + FLOORS[test.dtypes?.[2] ?? 'f32'];
}

/**
 * Runs a case twice on random data, and compares with f64 over the whole out buffer.
 *
 * @param rewrite changes shaders before they run: for devices without subgroup matrices
 */
export async function matmulErrors(
  { device, capabilities, check }: KernelDevice,
  test: MatmulCase,
  config?: MatmulConfig,
  rewrite: (shader: string) => string = (shader) => shader,
): Promise<MatmulErrors> {
  const problem = matmulProblem(test);
  const names = (['a', 'b', 'out', 'residual', 'bias'] as const).filter((name) => problem[name]);
  const operands: Record<string, OperandArray> = {};
  const numbers: Record<string, ArrayLike<number>> = {};
  for (const [seed, name] of names.entries()) {
    const values = randomArray(operandLength(problem, name), 17 * seed + problem.K);
    const dtype = problem[name]!.dtype as FloatDType;
    operands[name] = storedArray(dtype, values);
    numbers[name] = values.map((x) => storedValue(dtype, x));
  }
  const planned = planMatmul(problem, capabilities, config);
  const passes = planned.passes.map((pass) => ({ ...pass, shader: rewrite(pass.shader) }));
  const plan = { ...planned, passes };
  const first = (await runPlan(device, plan, operands))['out'] ?? operands['out']!;
  const second = (await runPlan(device, plan, operands))['out'] ?? operands['out']!;
  await check();
  const arrays = {
    a: numbers['a']!,
    b: numbers['b']!,
    out: numbers['out']!,
    bias: numbers['bias'],
    residual: numbers['residual'],
  };
  const truth = matmulReference(problem, arrays);
  const naive = matmulReference(problem, arrays, Math.fround).map((x) =>
    storedValue(problem.out.dtype as FloatDType, x),
  );
  const got = first instanceof Uint16Array ? fromHalf(first) : first;
  return {
    error: largestDifference(got, truth),
    naive: largestDifference(naive, truth),
    strays: countStrays(problem, got, numbers['out']!),
    repeats: haveSameBits(first, second),
  };
}

function haveSameBits(first: OperandArray, second: OperandArray): boolean {
  const bytes = new Uint8Array(second.buffer);
  return new Uint8Array(first.buffer).every((byte, index) => byte === bytes[index]);
}

function operandLength(problem: MatmulProblem, name: 'a' | 'b' | 'out' | 'residual' | 'bias'): number {
  if (name === 'bias') return problem.bias!.offset + problem.N;
  const { offset, batchStride, ld } = problem[name]!;
  const [rows, columns] = storedShape(problem, name);
  return Math.max(1, offset + (problem.batch - 1) * batchStride + rows * Math.max(ld, columns));
}

/** NaN counts as infinitely wrong. */
function largestDifference(got: ArrayLike<number>, truth: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < truth.length; i++) {
    const difference = Math.abs(got[i]! - truth[i]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

function countStrays(problem: MatmulProblem, got: ArrayLike<number>, before: ArrayLike<number>): number {
  const { M, N, batch, out } = problem;
  const inside = new Set<number>();
  for (let entry = 0; entry < batch; entry++) {
    for (let row = 0; row < M; row++) {
      for (let column = 0; column < N; column++)
        inside.add(out.offset + entry * out.batchStride + row * out.ld + column);
    }
  }
  let strays = 0;
  for (let i = 0; i < before.length; i++) if (!inside.has(i) && got[i] !== before[i]) strays++;
  return strays;
}
