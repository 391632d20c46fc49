import { collapseLayout, type MatmulOperand, type MatmulPlanner, type MatmulProblem } from '@modajs/kernels';
import type { ArrayView, Backend, MatmulOptions } from '../../backend.ts';
import type { Operand, PlanRunner } from '../plan-runner.ts';
import { withContiguous } from './contiguous.ts';

interface MatrixLayout {
  readonly transposed: boolean;
  readonly ld: number;
}

/** How a strided matrix is stored for a kernel that wants one stride to be 1; null when it is neither way. */
export function matrixLayout(
  rows: number,
  columns: number,
  rowStride: number,
  columnStride: number,
): MatrixLayout | null {
  const isUnit = (extent: number, stride: number) => extent <= 1 || stride === 1;
  const isLong = (extent: number, stride: number, other: number) => extent <= 1 || stride >= other;
  if (isUnit(columns, columnStride) && isLong(rows, rowStride, columns)) {
    return { transposed: false, ld: rows <= 1 ? columns : rowStride };
  }
  if (isUnit(rows, rowStride) && isLong(columns, columnStride, rows)) {
    return { transposed: true, ld: columns <= 1 ? rows : columnStride };
  }
  return null;
}

interface Batches {
  readonly shape: readonly number[];
  /** Of a, b and out. */
  readonly strides: readonly (readonly number[])[];
}

/** One kernel call: `batch` products from the operands' starts. */
interface Call {
  readonly M: number;
  readonly batch: number;
  readonly batchStrides: readonly [number, number, number];
  readonly starts: readonly [number, number, number];
}

/** Outer batch dimensions that do not merge with the last are walked here, one call each. */
function* callsOf({ shape, strides }: Batches, M: number): Iterable<Call> {
  const inner = shape.length - 1;
  const outer = shape.slice(0, inner);
  const count = outer.reduce((product, extent) => product * extent, 1);
  const batchStrides = [strides[0][inner], strides[1][inner], strides[2][inner]] as const;
  for (let index = 0; index < count; index++) {
    const starts: [number, number, number] = [0, 0, 0];
    let rest = index;
    for (let d = inner - 1; d >= 0; d--) {
      const at = rest % outer[d];
      rest = Math.floor(rest / outer[d]);
      for (let i = 0; i < 3; i++) starts[i] += at * strides[i][d];
    }
    yield { M, batch: shape[inner], batchStrides, starts };
  }
}

/** Products that share b and follow each other in a and out are one product of more rows. */
function folded(call: Call, a: MatrixLayout, ldOut: number): Call {
  const { M, batch, batchStrides } = call;
  const isOneMatrix = batchStrides[1] === 0 && batchStrides[0] === M * a.ld && batchStrides[2] === M * ldOut;
  if (batch === 1 || a.transposed || !isOneMatrix) return call;
  return { ...call, M: M * batch, batch: 1, batchStrides: [0, 0, 0] };
}

/** A matrix as it is stored. */
interface Stored extends MatrixLayout {
  readonly view: ArrayView;
  readonly operand: Operand;
}

function product(
  runner: PlanRunner,
  planMatmul: MatmulPlanner,
  a: Stored,
  b: Stored,
  outView: ArrayView,
  options: MatmulOptions,
): void {
  const out = runner.operand(outView);
  const bias = options.bias ? runner.operand(options.bias) : null;
  const [M, K] = a.view.shape.slice(-2);
  const N = outView.shape.at(-1)!;
  const batches = collapseLayout(
    outView.shape.slice(0, -2),
    [a.view, b.view, outView].map(({ strides }) => strides.slice(0, -2)),
  );
  const layoutOf = (call: Call, i: 0 | 1, { view, transposed, ld, operand }: Stored): MatmulOperand => {
    const offset = operand.start + call.starts[i];
    return { dtype: view.dtype, transposed, ld, batchStride: call.batchStrides[i], offset };
  };
  for (const plain of callsOf(batches, M)) {
    const call = folded(plain, a, N);
    const problem: MatmulProblem = {
      M: call.M,
      N,
      K,
      batch: call.batch,
      a: layoutOf(call, 0, a),
      b: layoutOf(call, 1, b),
      out: { dtype: outView.dtype, ld: N, batchStride: call.batchStrides[2], offset: out.start + call.starts[2] },
      accumulate: options.accumulate ?? false,
      alpha: options.alpha ?? 1,
      ...(bias ? { bias: { dtype: bias.view.dtype, offset: bias.start } } : {}),
    };
    const plan = runner.plan(`matmul ${JSON.stringify(problem)}`, () => planMatmul(problem, runner.capabilities));
    runner.run(plan, { a: a.operand, b: b.operand, out, ...(bias ? { bias } : {}) });
  }
}

/** Hands the matrix to `use` as it is stored, or as a row-major copy when neither of its inner strides is 1. */
function withStored(runner: PlanRunner, view: ArrayView, use: (stored: Stored) => void): void {
  const [rows, columns] = view.shape.slice(-2);
  const [rowStride, columnStride] = view.strides.slice(-2);
  const layout = matrixLayout(rows, columns, rowStride, columnStride);
  if (layout !== null) use({ ...layout, view, operand: runner.operand(view) });
  else withContiguous(runner, view, (copy) => withStored(runner, copy, use));
}

/** Matrix products of any strides; the rest is the kernel's choice. */
export function matmulOperations(runner: PlanRunner, planMatmul: MatmulPlanner): Pick<Backend, 'matmul'> {
  return {
    matmul(aView, bView, out, options = {}) {
      withStored(runner, aView, (a) =>
        withStored(runner, bView, (b) => product(runner, planMatmul, a, b, out, options)),
      );
    },
  };
}
