import { type AttentionProblem, type KernelPlan, planAttentionBackward, planAttentionForward } from '@modajs/kernels';
import { elementBytes } from '../../../core/dtype.ts';
import type { AttentionArguments, AttentionBackwardArguments, DepthSegment } from '../../attention-arguments.ts';
import type { ArrayView, Backend } from '../../backend.ts';
import type { Operand, PlanRunner } from '../plan-runner.ts';
import { webGpuStorage } from '../webgpu-storage.ts';
import { withContiguous } from './contiguous.ts';
import { floatDType } from './float-dtype.ts';

function problemOf(args: AttentionArguments): AttentionProblem {
  const { q, k, v, out, docRange, depth, window } = args;
  const [B, T, H, D] = q.shape;
  const Dv = out.shape[3];
  const Hkv = k?.shape[2] ?? depth?.segments[0].k.shape[3] ?? H;
  return {
    B,
    T,
    Tk: args.Tk,
    H,
    Hkv,
    D,
    Dv,
    dtype: floatDType('attention', q.dtype),
    scale: args.scale,
    causal: args.causal,
    hasSequence: k !== null && v !== null,
    ...(k ? { keyCapacity: k.shape[1] } : {}),
    ...(window !== null ? { window } : {}),
    ...(docRange ? { hasDocRange: true } : {}),
    depth: depth && {
      S: depth.S,
      Td: depth.Td,
      chunk: depth.chunk,
      chunkPhase: depth.chunkPhase,
      segments: depth.segments.map((segment) => segment.k.shape[0]),
    },
  };
}

function depthViews(prefix: string, segments: readonly DepthSegment[]): [string, ArrayView][] {
  const name = (letter: string, i: number) => `${prefix}${letter}${i}`;
  return segments.flatMap(({ k, v }, i): [string, ArrayView][] => [
    [name('K', i), k],
    [name('V', i), v],
  ]);
}

function inputViews({ q, k, v, docRange, depth }: AttentionArguments): [string, ArrayView][] {
  const views: [string, ArrayView | null][] = [
    ['q', q],
    ['k', k],
    ['v', v],
    ['docRange', docRange],
    ...depthViews('depth', depth?.segments ?? []),
  ];
  return views.filter((entry): entry is [string, ArrayView] => entry[1] !== null);
}

/** A binding that starts at the view's first element, which these kernels ask for; null when the device cannot bind there. */
function alignedOperand(runner: PlanRunner, view: ArrayView): Operand | null {
  const { buffer } = webGpuStorage(view.storage);
  const offset = view.offset * elementBytes(view.dtype);
  if (offset % runner.capabilities.minStorageAlignment !== 0) return null;
  const bytes = view.shape.reduce((product, extent) => product * extent, elementBytes(view.dtype));
  return {
    view,
    buffer,
    offset,
    size: Math.min(buffer.size - offset, Math.max(16, Math.ceil(bytes / 16) * 16)),
    start: 0,
  };
}

/** Binds every view at its start; those the device cannot bind there are copied, results copied back after `use`. */
export function withAligned(
  runner: PlanRunner,
  backend: Pick<Backend, 'copy'>,
  views: readonly [string, ArrayView][],
  isResult: (name: string) => boolean,
  use: (operands: Record<string, Operand>) => void,
): void {
  const operands: Record<string, Operand> = {};
  const bindFrom = (index: number): void => {
    if (index === views.length) {
      use(operands);
      return;
    }
    const [name, view] = views[index];
    const operand = alignedOperand(runner, view);
    if (operand !== null) {
      operands[name] = operand;
      bindFrom(index + 1);
      return;
    }
    withContiguous(runner, view, (copy) => {
      operands[name] = runner.operand(copy);
      bindFrom(index + 1);
      if (isResult(name)) backend.copy(copy, view);
    });
  };
  bindFrom(0);
}

/**
 * Slots that nobody wants a gradient of: passes that make nothing else are left out, the others write it to scratch memory.
 */
function withoutDepthGradient({ passes, workspace }: KernelPlan, segments: readonly DepthSegment[]): KernelPlan {
  const isDepth = (name: string) => name.startsWith('dDepth');
  const kept = passes.filter(({ bindings }) =>
    bindings.some(({ access, buffer }) => access === 'read_write' && !isDepth(buffer)),
  );
  const needed = new Set(kept.flatMap(({ bindings }) => bindings.map(({ buffer }) => buffer)).filter(isDepth));
  const scratch = depthViews('dDepth', segments)
    .filter(([name]) => needed.has(name))
    .map(([name, { shape }]) => [name, 4 * shape.reduce((product, extent) => product * extent, 1)]);
  return { passes: kept, workspace: { ...workspace, ...Object.fromEntries(scratch) } };
}

/** The MoDA family. */
export function attentionOperations(
  runner: PlanRunner,
  backend: Pick<Backend, 'copy'>,
): Pick<Backend, 'attention' | 'attentionBackward'> {
  const isEmpty = ({ shape }: ArrayView) => shape.includes(0);
  return {
    attention(args: AttentionArguments) {
      if (isEmpty(args.q)) return;
      const problem = problemOf(args);
      const plan = runner.plan(`attention ${JSON.stringify(problem)}`, () =>
        planAttentionForward(problem, runner.capabilities),
      );
      const views: [string, ArrayView][] = [...inputViews(args), ['out', args.out], ['lse', args.lse]];
      const isResult = (name: string) => name === 'out' || name === 'lse';
      withAligned(runner, backend, views, isResult, (operands) => runner.run(plan, operands));
    },
    attentionBackward(args: AttentionBackwardArguments) {
      if (isEmpty(args.q)) return;
      const { dOut, dLse, dq, dk, dv, accumulateKeys, dDepth, accumulateDepth, depthPairs } = args;
      const problem: AttentionProblem = {
        ...problemOf(args),
        dLse: dLse !== null,
        ...(accumulateKeys ? { accumulateKeys } : {}),
        ...(dDepth ? { depthGrad: { dtype: 'f32', accumulate: accumulateDepth } } : {}),
        ...(depthPairs ? { defersDepth: true } : {}),
      };
      const plan = runner.plan(`attention-backward ${dDepth !== null} ${JSON.stringify(problem)}`, () => {
        const complete = planAttentionBackward(problem, runner.capabilities);
        return dDepth || depthPairs ? complete : withoutDepthGradient(complete, args.depth?.segments ?? []);
      });
      const gradients = { dOut, dLse, dq, dk, dv, depthPairs };
      const given = Object.entries(gradients).filter((entry): entry is [string, ArrayView] => entry[1] !== null);
      const results: [string, ArrayView][] = [...given, ...depthViews('dDepth', dDepth ?? [])];
      const views: [string, ArrayView][] = [...inputViews(args), ['out', args.out], ['lse', args.lse], ...results];
      const isResult = (name: string) => ['dq', 'dk', 'dv', 'depthPairs'].includes(name) || name.startsWith('dDepth');
      withAligned(runner, backend, views, isResult, (operands) => runner.run(plan, operands));
    },
  };
}
