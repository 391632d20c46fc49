import { DeviceError } from '../core/errors.ts';
import type { FusedKernels } from '../lower/patterns.ts';
import type { Backend, FamilyPrimitives } from './backend.ts';

type Name = keyof FamilyPrimitives;

/** What a family adds to a WebGPU device: its primitives, and kernels for patterns (`lower`). */
type Kernels<Own extends Name> = Pick<FamilyPrimitives, Own> & { readonly fused?: FusedKernels };

/**
 * Makes a family's kernels for a device; `backend` has the primitives that every device has. The runner is a `PlanRunner`, which this file
 * does not name: its types are part of the public ones, and must not need those of WebGPU.
 */
type MakeKernels<Own extends Name> = (runner: never, backend: Pick<Backend, 'copy'>) => Kernels<Own>;

/**
 * Primitives whose WebGPU kernels come with the operators that use them. An operator reaches them through its family only, so a
 * bundler that drops the operator drops the family, with its import of shaders. `init` loads all families that are left, before it
 * returns: a step imports nothing.
 */
export interface KernelFamily<Own extends Name = never> {
  /** The device with the family's primitives. @throws DeviceError for one that was opened without them */
  on(backend: Backend): Backend & Pick<FamilyPrimitives, Own>;
}

const loaders = new Set<() => Promise<MakeKernels<never>>>();

/** @param first one of its primitives; null for a family that has kernels for patterns only */
function family<Own extends Name = never>(first: Own | null, load: () => Promise<MakeKernels<Own>>): KernelFamily<Own> {
  loaders.add(load);
  return {
    on(backend) {
      if (first && !(first in backend))
        throw new DeviceError(
          `${first}: the device must have been opened with its kernels, got one without. Import the operator before init().`,
        );
      return backend as Backend & Pick<FamilyPrimitives, Own>;
    },
  };
}

/** The kernels of every family that the program contains. */
export async function loadFamilies(): Promise<readonly MakeKernels<never>[]> {
  return Promise.all([...loaders].map((load) => load()));
}

// All families stand in this file: bundlers load a file as a whole, so whatever part of a program runs first, `init` knows them all.
// A call without side effects, for a bundler: a family that nobody names need not register.

export const argmaxKernels = /* @__PURE__ */ family(
  'argmax',
  async () => (await import('./webgpu/operations/argmax-operations.ts')).argmaxOperations,
);

export const argsortKernels = /* @__PURE__ */ family(
  'argsort',
  async () => (await import('./webgpu/operations/argsort-operations.ts')).argsortOperations,
);

export const quantizedKernels = /* @__PURE__ */ family<'quantizedProduct' | 'dequantize'>(
  'quantizedProduct',
  async () => (await import('./webgpu/operations/quantized-operations.ts')).quantizedOperations,
);

export const softmaxKernels = /* @__PURE__ */ family<'softmax' | 'softmaxBackward'>(
  'softmax',
  async () => (await import('./webgpu/operations/softmax-operations.ts')).softmaxOperations,
);

/** With `addNorm`. */
export const normKernels = /* @__PURE__ */ family<'rmsNorm' | 'rmsNormBackward' | 'layerNorm' | 'layerNormBackward'>(
  'rmsNorm',
  async () => (await import('./webgpu/operations/norm-operations.ts')).normOperations,
);

/** With `ropePair`. */
export const ropeKernels = /* @__PURE__ */ family(
  'rope',
  async () => (await import('./webgpu/operations/rope-operations.ts')).ropeOperations,
);

/** `normRope` and its gradient. */
export const normRopeKernels = /* @__PURE__ */ family<never>(
  null,
  async () => (await import('./webgpu/operations/norm-rope-operations.ts')).normRopeOperations,
);

/** `swigluGradient`. */
export const swigluKernels = /* @__PURE__ */ family<never>(
  null,
  async () => (await import('./webgpu/operations/swiglu-operations.ts')).swigluOperations,
);

export const gatherKernels = /* @__PURE__ */ family<'embedding' | 'embeddingBackward' | 'gather' | 'gatherBackward'>(
  'embedding',
  async () => (await import('./webgpu/operations/gather-operations.ts')).gatherOperations,
);

export const crossEntropyKernels = /* @__PURE__ */ family<'crossEntropy' | 'crossEntropyBackward'>(
  'crossEntropy',
  async () => (await import('./webgpu/operations/cross-entropy-operations.ts')).crossEntropyOperations,
);

export const attentionKernels = /* @__PURE__ */ family<'attention' | 'attentionBackward'>(
  'attention',
  async () => (await import('./webgpu/operations/attention-operations.ts')).attentionOperations,
);

export const adamwKernels = /* @__PURE__ */ family(
  'adamw',
  async () => (await import('./webgpu/operations/adamw-operations.ts')).adamwOperations,
);

export const sumSquaresKernels = /* @__PURE__ */ family(
  'sumSquares',
  async () => (await import('./webgpu/operations/sum-squares-operations.ts')).sumSquaresOperations,
);
