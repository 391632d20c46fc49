import { type AttentionProblem, type KernelPlan, planAttentionBackward, planAttentionForward } from '@modajs/kernels';
import type { AttentionArguments, AttentionBackwardArguments, DepthSegment } from '../../attention-arguments.ts';
import type { ArrayView, Backend, FamilyPrimitives } from '../../backend.ts';
import type { PlanRunner } from '../plan-runner.ts';
import { withAligned } from './aligned.ts';
import { floatDType } from './float-dtype.ts';

function problemOf(args: AttentionArguments): AttentionProblem {
  const { q, k, v, out, docRange, depth, window, softcap } = args;
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
    ...(softcap !== null ? { softcap } : {}),
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
): Pick<FamilyPrimitives, 'attention' | 'attentionBackward'> {
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
