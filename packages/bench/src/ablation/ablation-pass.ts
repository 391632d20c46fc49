import {
  type AttentionProblem,
  DTYPES,
  enableDTypes,
  type KernelDType,
  type KernelPass,
  specialize,
} from '@modajs/kernels';

/** The uniform block `Params` of every step. `scale` is the factor of the pass: the softmax's, or 1. */
export interface AblationParams {
  readonly head?: number;
  readonly scale?: number;
  readonly isFirst?: boolean;
}

export function ablationParams(problem: AttentionProblem, params: AblationParams = {}): ArrayBuffer {
  const { T, H, Hkv, depth, scale } = problem;
  const buffer = new ArrayBuffer(32);
  new Uint32Array(buffer).set([T, H, Hkv, depth!.S, params.head ?? 0, 0, Number(params.isFirst ?? false), 0]);
  new Float32Array(buffer)[5] = params.scale ?? scale;
  return buffer;
}

/** Sets a shader's element aliases and sizes, and enables f16 when one of them is. */
export function withTypes(shader: string, values: Readonly<Record<string, string>>): string {
  const dtypes = Object.values(values).filter((value) => value in DTYPES) as KernelDType[];
  return enableDTypes(specialize(shader, values), dtypes);
}

/** A binding that is read. */
export function read(buffer: string): KernelPass['bindings'][number] {
  return { buffer, access: 'read' };
}

/** A binding that is written. */
export function write(buffer: string): KernelPass['bindings'][number] {
  return { buffer, access: 'read_write' };
}
