import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { enableDTypes } from '../plan/dtype-support.ts';
import { elementBytes } from '../plan/dtype-table.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPass, PassBinding } from '../plan/plan.ts';
import { type MatmulProblem, type OperandName, storedShape } from './matmul-problem.ts';
import { matmulUniform, type Slices } from './matmul-uniform.ts';

const ACTIVATIONS = ['none', 'relu', 'gelu', 'silu'];

/** What differs between the shaders that multiply. */
export interface ProductShader {
  readonly label: string;
  /** Specialised WGSL without `enable f16`. */
  readonly source: string;
  readonly constants: Readonly<Record<string, number>>;
  readonly workgroups: number;
}

/** The pass of a shader that multiplies: bindings a, b, bias, residual, out and the uniform block. */
export function productPass(
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
  slices: Slices,
  shader: ProductShader,
): KernelPass {
  const workgroups = foldWorkgroups(shader.workgroups, capabilities);
  return {
    label: shader.label,
    shader: withExtensions(shader.source, problem),
    constants: { ...shader.constants, ...epilogueConstants(problem) },
    bindings: productBindings(problem),
    uniform: matmulUniform(problem, slices, workgroups[0]),
    workgroups,
  };
}

/** What the shaders do with a sum. */
export function epilogueConstants(problem: MatmulProblem): Record<string, number> {
  return {
    ACTIVATION: ACTIVATIONS.indexOf(problem.activation ?? 'none'),
    HAS_BIAS: Number(problem.bias !== undefined),
    HAS_RESIDUAL: Number(problem.residual !== undefined),
    ACCUMULATE: Number(problem.accumulate ?? false),
  };
}

/** The element aliases of every shader. */
export function elementTypes({ a, b, out, bias }: MatmulProblem) {
  return { AElement: a.dtype, BElement: b.dtype, OutElement: out.dtype, BiasElement: bias?.dtype ?? 'f32' };
}

/** The words in which out and residual are accessed: vec4 where every row starts and ends on a multiple of 4 elements. */
export function outWords(problem: MatmulProblem): Record<string, string> {
  const { out } = problem;
  const standIn = operandBytes(problem, standInOperand(problem));
  const isWide = isAligned(problem, 'out', 4) && isAligned(problem, 'residual', 4) && standIn >= 16;
  const words: Record<string, string> = {
    OutWord: isWide ? `vec4<${out.dtype}>` : out.dtype,
    OUT_WIDTH: isWide ? '4u' : '1u',
  };
  for (const [lane, name] of ['LANE_Y', 'LANE_Z', 'LANE_W'].entries()) {
    const mask = [0, 1, 2, 3].map((other) => String(other === lane + 1)).join(', ');
    words[name] = isWide ? `vec4<bool>(${mask})` : 'false';
  }
  return words;
}

/** Whether every stored row of an operand starts and ends on a multiple of `width` elements. */
export function isAligned(problem: MatmulProblem, name: OperandName, width: number): boolean {
  if (!problem[name]) return true;
  return storedShape(problem, name)[1] % width === 0 && areStartsAligned(problem, name, width);
}

/** Whether every stored row of an operand starts on a multiple of `width` elements. The stride of a batch of one is never taken. */
export function areStartsAligned(problem: MatmulProblem, name: OperandName, width: number): boolean {
  const layout = problem[name];
  if (!layout) return true;
  const batchStride = problem.batch === 1 ? 0 : layout.batchStride;
  return [layout.ld, batchStride, layout.offset].every((length) => length % width === 0);
}

/** Whether no tile reaches over the matrix or a slice over K. */
export function isRagged({ M, N, K }: MatmulProblem, blockM: number, blockN: number, blockK: number): boolean {
  return M % blockM !== 0 || N % blockN !== 0 || K % blockK !== 0;
}

/** A shader with the extensions that its operands need. */
export function withExtensions(shader: string, { a, b, out, bias }: MatmulProblem): string {
  return enableDTypes(
    shader,
    [a, b, out, bias].flatMap((operand) => operand?.dtype ?? []),
  );
}

/** The shaders declare bias and residual always; what a problem lacks is bound to an input and never read. */
function productBindings(problem: MatmulProblem): PassBinding[] {
  const standIn = standInOperand(problem);
  return [
    ...reads('a', 'b', problem.bias ? 'bias' : standIn, problem.residual ? 'residual' : standIn),
    ...writes('out'),
  ];
}

/** The larger input: long enough for a vec4 more often. */
export function standInOperand(problem: MatmulProblem): 'a' | 'b' {
  return operandBytes(problem, 'a') >= operandBytes(problem, 'b') ? 'a' : 'b';
}

/** Bytes of an operand of one batch entry. */
export function operandBytes(problem: MatmulProblem, name: 'a' | 'b'): number {
  const [rows, columns] = storedShape(problem, name);
  return rows * columns * elementBytes(problem[name].dtype);
}
