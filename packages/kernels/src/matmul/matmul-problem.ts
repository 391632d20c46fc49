import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { supportsDType } from '../plan/dtype-support.ts';
import { DTYPES, elementBytes } from '../plan/dtype-table.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { KernelDType } from '../plan/plan.ts';
import { SMALLER_OPERAND } from '../plan/smaller-operand.ts';

/** A stored matrix that is written, one per batch entry. Lengths in elements. */
export interface MatmulLayout {
  readonly dtype: KernelDType;
  /** Elements between the starts of stored rows. */
  readonly ld: number;
  /** Elements between batch entries; 0 broadcasts (inputs only). */
  readonly batchStride: number;
  /** Element where the first entry starts in the bound buffer. */
  readonly offset: number;
}

/**
 * An input matrix, possibly stored transposed. f16 rows that start on multiples of 8 elements are read 8 at a time, so the bound buffer
 * must reach to the next multiple of 16 bytes after the last element.
 */
export interface MatmulOperand extends MatmulLayout {
  /** Whether the stored rows are the mathematical columns. */
  readonly transposed: boolean;
}

/** What is applied to a sum before it is stored. `gelu` is the tanh approximation. */
export type MatmulActivation = 'none' | 'relu' | 'gelu' | 'silu';

/**
 * `out = activation(alpha * A . B + bias) + residual (+ out)`, for each of `batch` entries; sums in f32.
 * Any `M`, `N`, `batch` >= 0 and `K` >= 0 (`K = 0` gives the epilogue of zero).
 */
export interface MatmulProblem {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly batch: number;
  /** `[M, K]`, stored `[K, M]` if transposed. */
  readonly a: MatmulOperand;
  /** `[K, N]`, stored `[N, K]` if transposed. */
  readonly b: MatmulOperand;
  /** `[M, N]`. Must not be the same buffer as an input. */
  readonly out: MatmulLayout;
  /** `[N]`, shared by the batch. */
  readonly bias?: { readonly dtype: KernelDType; readonly offset: number };
  readonly activation?: MatmulActivation;
  /** `[M, N]`, the dtype of `out`; another buffer than `out` (see `accumulate`). */
  readonly residual?: MatmulLayout;
  /** Adds to what `out` holds. */
  readonly accumulate?: boolean;
  /** Factor of the sum, 1 by default. */
  readonly alpha?: number;
}

const OPERANDS = ['a', 'b', 'out', 'residual'] as const;

/** The matrices of a problem. */
export type OperandName = (typeof OPERANDS)[number];

/**
 * Refuses a problem that no kernel could run.
 *
 * @throws KernelError for a size that is no integer >= 0, a row shorter than its matrix, a dtype other than f32 or f16,
 *   f16 on a device without it, a residual of another dtype than `out`, or an operand beyond the device's binding limit
 */
export function validateMatmul(problem: MatmulProblem, capabilities: DeviceCapabilities): void {
  for (const name of ['M', 'N', 'K', 'batch'] as const) requireCount(name, problem[name]);
  for (const name of OPERANDS) {
    const layout = problem[name];
    if (layout) validateLayout(name, layout, problem, capabilities);
  }
  if (problem.bias) {
    requireCount('bias.offset', problem.bias.offset);
    requireDType('bias', problem.bias.dtype, capabilities);
    requireBinding('bias', problem.bias.offset + problem.N, problem.bias.dtype, capabilities);
  }
  if (problem.residual && problem.residual.dtype !== problem.out.dtype) {
    throw new KernelError(
      `matmul: residual must have the dtype of out, got ${problem.residual.dtype} and ${problem.out.dtype}. Cast one of them.`,
      { residual: problem.residual.dtype, out: problem.out.dtype },
    );
  }
}

/** Rows and columns of an operand as it is stored. */
export function storedShape(problem: MatmulProblem, name: OperandName): [number, number] {
  const { M, N, K, a, b } = problem;
  if (name === 'a') return a.transposed ? [K, M] : [M, K];
  if (name === 'b') return b.transposed ? [N, K] : [K, N];
  return [M, N];
}

function validateLayout(
  name: OperandName,
  layout: MatmulLayout,
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
): void {
  requireDType(name, layout.dtype, capabilities);
  for (const field of ['ld', 'batchStride', 'offset'] as const) requireCount(`${name}.${field}`, layout[field]);
  const [rows, columns] = storedShape(problem, name);
  if (rows > 1 && layout.ld < columns) {
    throw new KernelError(
      `matmul: ${name}.ld must be at least its row of ${columns} elements, got ${layout.ld}. Pass the stored row length.`,
      { name, ld: layout.ld, columns },
    );
  }
  if (rows * columns === 0 || problem.batch === 0) return;
  const end = layout.offset + (problem.batch - 1) * layout.batchStride + (rows - 1) * layout.ld + columns;
  requireBinding(name, end, layout.dtype, capabilities);
  const extent = (rows - 1) * layout.ld + columns;
  const isWritten = name === 'out';
  if (isWritten && problem.batch > 1 && layout.batchStride < extent) {
    throw new KernelError(
      `matmul: entries of out must not overlap, got batchStride=${layout.batchStride} for ${extent} elements. Use a stride of at least that.`,
      { batchStride: layout.batchStride, extent },
    );
  }
}

function requireCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new KernelError(`matmul: ${name} must be an integer >= 0, got ${value}. Pass element counts.`, {
      name,
      value,
    });
  }
}

function requireDType(name: string, dtype: KernelDType, capabilities: DeviceCapabilities): void {
  if (!DTYPES[dtype].isFloat) {
    throw new KernelError(`matmul: ${name} must be f32 or f16, got ${dtype}. Cast it first.`, { name, dtype });
  }
  if (!supportsDType(capabilities, dtype)) {
    throw new KernelError(`matmul: ${name} is ${dtype}, but the device has no shader-${dtype}. Store it as f32.`, {
      name,
    });
  }
}

function requireBinding(name: string, elements: number, dtype: KernelDType, capabilities: DeviceCapabilities): void {
  const bytes = elements * elementBytes(dtype);
  if (bytes > capabilities.maxBindingBytes || elements > 2 ** 32) {
    throw new KernelError(
      `matmul: ${name} must end within one binding of ${capabilities.maxBindingBytes} B, got ${bytes} B. ${SMALLER_OPERAND}`,
      { name, bytes, maxBindingBytes: capabilities.maxBindingBytes },
    );
  }
}
