import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { writes } from '../plan/pass-bindings.ts';
import type { FloatDType, KernelPass, KernelPlan } from '../plan/plan.ts';
import { rowElements } from '../plan/row-elements.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { isSoftwareAdapter } from '../plan/software-adapter.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { unroll } from '../plan/unroll.ts';
import { partSumsPass } from '../reduce/column-sums.ts';
import { planMixWeights } from './mix-weights.ts';
import { padded } from './mixed-rows.ts';
import { LINE_THREADS, rowLanes } from './row-lanes.ts';
import source from './source-attention.wgsl';
import backwardSource from './source-attention-backward.wgsl';

/** Sources of a pass: eight storage buffers with the others. */
const SOURCES = 4;
const SOURCES_BACKWARD = 2;
const MOST_WORKGROUPS = 2048;
const ABSENT = ['absent0', 'absent1'];

/** A query `[C]` over sources x_j `[tokens, C]`, all of one dtype. Starts in elements. */
export interface SourceAttentionProblem {
  readonly dtype: FloatDType;
  readonly tokens: number;
  readonly C: number;
  readonly eps: number;
  /** Start of each source; source j is the operand `x<j>`. */
  readonly sources: readonly number[];
  readonly query: number;
  readonly out: number;
  /** Start of `stats`, f32 `[2, tokens]`. */
  readonly stats: number;
}

/** Gradients of `SourceAttentionProblem`. */
export interface SourceAttentionBackwardProblem extends SourceAttentionProblem {
  readonly dOut: number;
  /** Start of each `dx<j>`, and whether the gradient is added to it. */
  readonly gradients: readonly { readonly start: number; readonly accumulate: boolean }[];
  /** The query's gradient; null where nobody wants it. */
  readonly dQuery: { readonly dtype: FloatDType; readonly start: number; readonly accumulate: boolean } | null;
}

const parts = (count: number, size: number): number[] =>
  Array.from({ length: Math.ceil(count / size) }, (_, i) => i * size);

/**
 * Plans `out = sum_j softmax_j(q . rmsNorm(x_j)) x_j`, each source read once, four in a pass; between passes `out` is stored in its dtype.
 * Operands: `query`, `x0` .., `out`, `stats`, whose first half is written: the logarithms of the softmax's sums.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planSourceAttention(problem: SourceAttentionProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, tokens, C, eps, sources, query, out, stats } = problem;
  requireDTypes('source attention', caps, dtype);
  if (tokens * C === 0) return { passes: [], workspace: {} };
  const { width, types } = rowElements(dtype, C, [...sources, query, out]);
  const lanes = rowLanes(C / width);
  const passes = parts(sources.length, SOURCES).map((first): KernelPass => {
    const starts = sources.slice(first, first + SOURCES);
    const names = starts.map((_, j) => `x${first + j}`);
    return {
      label: `source-attention ${dtype} x${width} ${starts.length}`,
      shader: shaderVariant(isSoftwareAdapter(caps) ? source : unroll(source, { SOURCES: starts.length }), {
        ...types,
        SOURCES: `${starts.length}u`,
      }),
      constants: { THREADS: LINE_THREADS, ROW_LANES: lanes, IS_FIRST: first === 0 ? 1 : 0 },
      bindings: [
        ...[...padded(names, SOURCES), 'query'].map((buffer) => ({ buffer, access: 'read' }) as const),
        ...writes('out', 'stats'),
      ],
      uniform: uniformBlock([
        ...[tokens, C / width, { f32: eps }, query / width, out / width, stats, lanes / 2, 0],
        ...starts.flatMap((start) => [start / width, 0, 0, 0]),
      ]),
      workgroups: foldWorkgroups(Math.ceil(tokens / (LINE_THREADS / lanes)), caps),
    };
  });
  return { passes, workspace: {} };
}

/**
 * Plans the gradients, sources read once, two in a pass. Operands: those of `planSourceAttention`, `stats` as it was left there (its second
 * half is written), `dOut`, `dx0` .., which must be buffers of their own, and `dQuery` `[C]`. Sums over tokens run in a fixed order.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planSourceAttentionBackward(
  problem: SourceAttentionBackwardProblem,
  caps: DeviceCapabilities,
): KernelPlan {
  const { dtype, tokens, C, sources, query, out, stats, dOut, gradients, dQuery } = problem;
  requireDTypes('source attention backward', caps, dtype);
  const starts = [...sources, ...gradients.map(({ start }) => start), query, out, dOut];
  const { width } = rowElements(dtype, C, starts);
  const lines = LINE_THREADS / rowLanes(C / width);
  const chunk = Math.max(1, Math.ceil(tokens / (lines * MOST_WORKGROUPS)));
  const workgroups = Math.max(1, Math.ceil(tokens / (lines * chunk)));
  const deltas = planMixWeights(
    {
      dtype,
      tokens,
      C,
      weights: { dtype: 'f32', start: stats + tokens, token: 1, out: 1, source: 1 },
      shared: null,
      sources: [{ buffer: 'out', start: out, stride: C }],
      gradients: [{ buffer: 'dOut', start: dOut, stride: C }],
    },
    caps,
  ).passes.map((pass) => ({
    ...pass,
    label: `${pass.label} as delta`,
    bindings: pass.bindings.map(({ buffer, access }) => ({ buffer: buffer === 'dWeights' ? 'stats' : buffer, access })),
  }));
  const passes: KernelPass[] = [
    ...deltas,
    ...parts(sources.length, SOURCES_BACKWARD).map((first) =>
      backwardPass(problem, { first, width, chunk, workgroups }, caps),
    ),
  ];
  if (dQuery) {
    const sum = { x: { buffer: 'partial', dtype: 'f32', offset: 0 }, rows: workgroups, columns: C, stride: C } as const;
    const target = { buffer: 'dQuery', dtype: dQuery.dtype, offset: dQuery.start };
    passes.push(partSumsPass({ ...sum, out: target, accumulate: dQuery.accumulate }, caps));
  }
  const absent = Object.fromEntries(ABSENT.map((name) => [name, 16]));
  return { passes, workspace: { partial: 4 * C * workgroups, ...absent } };
}

interface BackwardPart {
  readonly first: number;
  readonly width: number;
  readonly chunk: number;
  readonly workgroups: number;
}

function backwardPass(
  { dtype, tokens, C, eps, sources, query, stats, dOut, gradients }: SourceAttentionBackwardProblem,
  { first, width, chunk, workgroups }: BackwardPart,
  caps: DeviceCapabilities,
): KernelPass {
  const { types } = rowElements(dtype, width, []);
  const lanes = rowLanes(C / width);
  const starts = sources.slice(first, first + SOURCES_BACKWARD);
  const names = (prefix: string): string[] => starts.map((_, j) => `${prefix}${first + j}`);
  const bounds = { SOURCES: starts.length, SLOTS: Math.ceil(C / width / lanes) };
  return {
    label: `source-attention-backward ${dtype} x${width} ${starts.length}`,
    shader: shaderVariant(isSoftwareAdapter(caps) ? backwardSource : unroll(backwardSource, bounds), {
      ...types,
      SOURCES: `${bounds.SOURCES}u`,
      SLOTS: `${bounds.SLOTS}u`,
    }),
    constants: { THREADS: LINE_THREADS, ROW_LANES: lanes, IS_FIRST: first === 0 ? 1 : 0 },
    bindings: [
      ...[...padded(names('x'), SOURCES_BACKWARD), 'query', 'stats', 'dOut'].map(
        (buffer) => ({ buffer, access: 'read' }) as const,
      ),
      ...padded(names('dx'), SOURCES_BACKWARD, ABSENT).map((buffer) => ({ buffer, access: 'read_write' }) as const),
      ...writes('partial'),
    ],
    uniform: uniformBlock([
      ...[tokens, C / width, { f32: eps }, chunk, query / width, stats, dOut / width, lanes / 2],
      ...starts.flatMap((start, j) => {
        const gradient = gradients[first + j]!;
        return [start / width, gradient.start / width, gradient.accumulate ? 1 : 0, 0];
      }),
    ]),
    workgroups: foldWorkgroups(workgroups, caps),
  };
}
