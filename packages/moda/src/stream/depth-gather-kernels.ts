import {
  type DepthGatherProblem,
  MAX_READERS,
  MAX_SLOTS,
  planDepthGather,
  prefersDeferredDepth,
} from '@modajs/kernels';
import { floatDType, type WebGpuKernels } from '@modajs/tensor/extend';
import type { DepthGather } from './depth-gather.ts';

/** The gather by a kernel of its own. */
export function createDepthGather(kernels: WebGpuKernels): DepthGather {
  const { capabilities } = kernels;
  return {
    maxBytes: capabilities.maxBindingBytes,
    maxSlots: MAX_SLOTS,
    prefers({ dtype, ...shape }) {
      const depth = { S: 1, segments: [1], Td: shape.T, chunk: 1, chunkPhase: 0 };
      const problem = { ...shape, Tk: shape.T, dtype: floatDType('attention', dtype), depth };
      return prefersDeferredDepth(
        { ...problem, scale: 1, causal: true, hasSequence: true, depthGrad: { dtype: 'f32', accumulate: true } },
        capabilities,
      );
    },
    run({ q, dOut, pairs, dk, dv, readers, accumulate, ...shape }) {
      for (let first = 0; first < readers.length; first += MAX_READERS) {
        const problem: DepthGatherProblem = {
          ...shape,
          dtype: floatDType('attention', q.dtype),
          readers: readers.slice(first, first + MAX_READERS),
          accumulate: accumulate || first > 0,
        };
        kernels.runAligned(
          `depth-gather ${JSON.stringify(problem)}`,
          (device) => planDepthGather(problem, device),
          { q, dOut, depthPairs: pairs, dDepthK: dk, dDepthV: dv },
          ['dDepthK', 'dDepthV'],
        );
      }
    },
  };
}
