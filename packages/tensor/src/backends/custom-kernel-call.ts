import type { UniformWord } from '@modajs/kernels';
import type { HostArray } from '../core/dtype.ts';
import type { ArrayView } from './backend.ts';

/** One dispatch of a shader of the user's. */
export interface ShaderKernel {
  /**
   * A WGSL module with the entry point `main`. `@group(0) @binding(i)` are the inputs in order (`var<storage, read>`), then the
   * outputs (`var<storage, read_write>`), then the uniform block where there is one (`var<uniform>`).
   */
  readonly shader: string;
  /** Workgroups along x, y and z: each at least 1. */
  readonly workgroups: readonly [number, number, number];
  /** `override` constants. Each set of them is compiled once: numbers that change often belong into `uniform`. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Words of the uniform struct, in order. */
  readonly uniform?: readonly UniformWord[];
}

/** Fills `outputs` from `inputs`. */
export type HostKernel = (inputs: readonly HostArray[], outputs: readonly HostArray[]) => void;

/** A kernel of the user's on operands of one device, which runs that of the two forms it can. */
export interface CustomKernelCall {
  readonly name: string;
  /** Of the inputs. */
  readonly inputNames: readonly string[];
  /** Row-major. */
  readonly inputs: readonly ArrayView[];
  /** Memory of their own, row-major; not all of them empty. */
  readonly outputs: readonly ArrayView[];
  /** Given where the device computes in the host's memory. */
  readonly host?: HostKernel;
  /** Given on WebGPU. */
  readonly shader?: () => ShaderKernel;
}
