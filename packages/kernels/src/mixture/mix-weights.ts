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
import source from './mix-weights.wgsl';
import { bindingsOf, inPasses, type MixedRows, type MixWeights, padded, type Taken } from './mixed-rows.ts';
import { LINE_THREADS, rowLanes } from './row-lanes.ts';

/** As in `planMix`, the gradients of results in the place of sources; 32 products of rows fill the workgroup memory of any device. */
const GRADIENTS = { buffers: 4, rows: 4 };
const SOURCES = { buffers: 3, rows: 8 };
/** Workgroups whose parts of shared weights' gradients are few enough to be summed soon. */
const MOST_WORKGROUPS = 1024;

/** Gradients of the weights of `MixProblem`: the rows of one dtype, sums in f32. */
export interface MixWeightsProblem {
  readonly dtype: FloatDType;
  readonly tokens: number;
  readonly C: number;
  /** Where each gradient goes, a place of its own. */
  readonly weights: MixWeights;
  /** All tokens have the same weights: `weights.token` counts for nothing, and sums may be added to what is there. */
  readonly shared: { readonly accumulate: boolean } | null;
  readonly sources: readonly MixedRows[];
  /** Gradients of the results. */
  readonly gradients: readonly MixedRows[];
}

/**
 * Plans `dWeights[t, k, s] = g_k[t] . x_s[t]`, or for shared weights the sum of that over the tokens (`[gradients, sources]`, dense).
 * Operands: `dWeights` and those that rows name. Sums run in a fixed order.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planMixWeights(problem: MixWeightsProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, tokens, C, weights, shared, sources, gradients } = problem;
  requireDTypes('mix weights', caps, dtype, weights.dtype);
  const pairs = gradients.length * sources.length;
  if (pairs === 0 || (shared === null && tokens === 0)) return { passes: [], workspace: {} };
  const width = widthOf(problem);
  const lines = LINE_THREADS / rowLanes(C / width);
  const chunk = shared ? Math.max(1, Math.ceil(tokens / (lines * MOST_WORKGROUPS))) : 1;
  const workgroups = Math.max(1, Math.ceil(tokens / (lines * chunk)));
  const target: MixWeights = shared
    ? { dtype: 'f32', start: 0, token: pairs, out: sources.length, source: 1 }
    : weights;
  const passes = inPasses(gradients, GRADIENTS).flatMap((left) =>
    inPasses(sources, SOURCES).map((right) => pairsPass(problem, target, left, right, { chunk, workgroups }, caps)),
  );
  if (!shared) return { passes, workspace: {} };
  const total = partSumsPass(
    {
      x: { buffer: 'partial', dtype: 'f32', offset: 0 },
      out: { buffer: 'dWeights', dtype: weights.dtype, offset: weights.start },
      rows: workgroups,
      columns: pairs,
      stride: pairs,
      accumulate: shared.accumulate,
    },
    caps,
  );
  return { passes: [...passes, total], workspace: { partial: 4 * pairs * workgroups } };
}

function widthOf({ dtype, C, sources, gradients }: MixWeightsProblem): number {
  const starts = [...sources, ...gradients].flatMap(({ start, stride }) => [start, stride]);
  return rowElements(dtype, C, starts).width;
}

function pairsPass(
  problem: MixWeightsProblem,
  weights: MixWeights,
  left: Taken<MixedRows>,
  right: Taken<MixedRows>,
  { chunk, workgroups }: { readonly chunk: number; readonly workgroups: number },
  caps: DeviceCapabilities,
): KernelPass {
  const { dtype, tokens, C, shared } = problem;
  const width = widthOf(problem);
  const lanes = rowLanes(C / width);
  const { types } = rowElements(dtype, width, []);
  const [sources, outs] = [right.rows.length, left.rows.length];
  const bounds = { SOURCES: sources, OUTS: outs, QUADS: Math.ceil((sources * outs) / 4) };
  const at = weights.start + left.first * weights.out + right.first * weights.source;
  const places = ({ start, stride }: MixedRows) => [start / width, stride / width, 0, 0];
  return {
    label: `mix-weights ${dtype} x${width} ${outs} of ${sources}${shared ? ' shared' : ''}`,
    shader: shaderVariant(isSoftwareAdapter(caps) ? source : unroll(source, bounds), {
      ...types,
      Weight: weights.dtype,
      SOURCES: `${sources}u`,
      OUTS: `${outs}u`,
      SOURCE_BINDINGS: bindingsOf(right),
      OUT_BINDINGS: bindingsOf(left),
    }),
    constants: { THREADS: LINE_THREADS, ROW_LANES: lanes, IS_SHARED: shared ? 1 : 0 },
    bindings: [
      ...[...padded(left.buffers, 4), ...padded(right.buffers, 3)].map(
        (buffer) => ({ buffer, access: 'read' }) as const,
      ),
      ...writes(shared ? 'partial' : 'dWeights'),
    ],
    uniform: uniformBlock([
      ...[tokens, C / width, chunk, (shared ? LINE_THREADS : lanes) / 2],
      ...[at, weights.token, weights.out, weights.source],
      ...right.rows.flatMap(places),
      ...left.rows.flatMap(places),
    ]),
    workgroups: foldWorkgroups(workgroups, caps),
  };
}
