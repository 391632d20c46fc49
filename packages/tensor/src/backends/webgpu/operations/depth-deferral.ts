import {
  type DepthGatherProblem,
  MAX_READERS,
  MAX_SLOTS,
  planDepthGather,
  prefersDeferredDepth,
} from '@modajs/kernels';
import type { DepthGatherArguments } from '../../attention-arguments.ts';
import type { ArrayView, Backend, DepthDeferral, DepthShape } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { withAligned } from './attention-operations.ts';
import { floatDType } from './float-dtype.ts';

/** Deferred depth gradients: wherever the kernels prefer them. */
export function depthDeferral(runner: PlanRunner, backend: Pick<Backend, 'copy'>): DepthDeferral {
  return {
    maxBytes: runner.capabilities.maxBindingBytes,
    maxSlots: MAX_SLOTS,
    prefers({ dtype, ...shape }: DepthShape) {
      const depth = { S: 1, segments: [1], Td: shape.T, chunk: 1, chunkPhase: 0 };
      const problem = { ...shape, Tk: shape.T, dtype: floatDType('attention', dtype), depth };
      return prefersDeferredDepth(
        { ...problem, scale: 1, causal: true, hasSequence: true, depthGrad: { dtype: 'f32', accumulate: true } },
        runner.capabilities,
      );
    },
    gather({ q, dOut, weights, dk, dv, readers, accumulate, ...shape }: DepthGatherArguments) {
      for (let first = 0; first < readers.length; first += MAX_READERS) {
        const problem: DepthGatherProblem = {
          ...shape,
          dtype: floatDType('attention', q.dtype),
          readers: readers.slice(first, first + MAX_READERS),
          accumulate: accumulate || first > 0,
        };
        const plan = runner.plan(`depth-gather ${JSON.stringify(problem)}`, () =>
          planDepthGather(problem, runner.capabilities),
        );
        const views: [string, ArrayView][] = [
          ['q', q],
          ['dOut', dOut],
          ['depthPairs', weights],
          ['dDepthK', dk],
          ['dDepthV', dv],
        ];
        const isResult = (name: string) => name.startsWith('dDepth');
        withAligned(runner, backend, views, isResult, (operands) => runner.run(plan, operands));
      }
    },
  };
}
