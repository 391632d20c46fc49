export type { FloatDType, KernelDType } from './dtype-table.ts';

/** One buffer of a pass: an operand by the name the plan's caller knows it by, or a piece of the plan's workspace. */
export interface PassBinding {
  /** Operand name (`q`, `dDepthK`, ...) or workspace name. */
  readonly buffer: string;
  readonly access: 'read' | 'read_write';
  /** Part of the buffer in bytes, for operands above one binding's limit. Whole operand when absent. */
  readonly range?: { readonly offset: number; readonly size: number };
}

/** One dispatch. `bindings[i]` is `@group(0) @binding(i)`; the uniform block, if any, is `@group(0) @binding(bindings.length)`. */
export interface KernelPass {
  /** Kernel and variant, for profiles and error messages: `matmul-subgroup-matrix 128x128x32`. */
  readonly label: string;
  /** WGSL, already specialised; one entry point `main`. */
  readonly shader: string;
  /** `override` constants. */
  readonly constants: Readonly<Record<string, number>>;
  readonly bindings: readonly PassBinding[];
  /** Bytes of the uniform struct, or null. */
  readonly uniform: ArrayBuffer | null;
  readonly workgroups: readonly [number, number, number];
}

/** What a kernel function returns: passes in order, and the scratch memory they share. */
export interface KernelPlan {
  readonly passes: readonly KernelPass[];
  /** Scratch buffers by name, bytes; contents undefined before the first pass and after the last. */
  readonly workspace: Readonly<Record<string, number>>;
}
