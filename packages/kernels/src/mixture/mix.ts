import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads } from '../plan/pass-bindings.ts';
import type { FloatDType, KernelPass, KernelPlan } from '../plan/plan.ts';
import { rowElements } from '../plan/row-elements.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { isSoftwareAdapter } from '../plan/software-adapter.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { unroll } from '../plan/unroll.ts';
import source from './mix.wgsl';
import { bindingsOf, inPasses, type MixedRows, type MixWeights, padded, type Taken } from './mixed-rows.ts';

/** Operands and rows that a pass of `mix.wgsl` reads, and those that it writes: eight storage buffers with the weights. */
const SOURCES = { buffers: 4, rows: 8 };
const OUTS = { buffers: 3, rows: 8 };
const ABSENT = ['absent0', 'absent1', 'absent2'];

/** Rows that are written. An operand that has some may not have others that another operand of the list separates from them. */
export interface MixedOut extends MixedRows {
  /** Add to what is there. */
  readonly accumulate: boolean;
}

/** Sums of rows with weights; the rows of one dtype. Offsets and strides in elements. */
export interface MixProblem {
  readonly dtype: FloatDType;
  readonly tokens: number;
  readonly C: number;
  readonly weights: MixWeights;
  readonly sources: readonly MixedRows[];
  readonly outs: readonly MixedOut[];
}

/**
 * Plans `out_k[t] (+)= sum_s w[t, k, s] x_s[t]`, four operands of sources and three of results in a pass, sums in f32; between the
 * passes of one result it is stored in its dtype. Operands: `weights` and those that rows name; results are no sources.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planMix(problem: MixProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, tokens, C, weights, sources, outs } = problem;
  requireDTypes('mix', caps, dtype, weights.dtype);
  if (tokens * C === 0) return { passes: [], workspace: {} };
  const passes = inPasses(outs, OUTS).flatMap((written) =>
    inPasses(sources, SOURCES).map((read) => mixPass(problem, read, written, caps)),
  );
  return { passes, workspace: Object.fromEntries(ABSENT.map((name) => [name, 16])) };
}

function mixPass(
  { dtype, tokens, C, weights }: MixProblem,
  read: Taken<MixedRows>,
  written: Taken<MixedOut>,
  caps: DeviceCapabilities,
): KernelPass {
  const { width, types } = rowElements(
    dtype,
    C,
    [...read.rows, ...written.rows].flatMap(({ start, stride }) => [start, stride]),
  );
  const bounds = { SOURCES: read.rows.length, OUTS: written.rows.length };
  const shader = shaderVariant(isSoftwareAdapter(caps) ? source : unroll(source, bounds), {
    Element: types.Element,
    Value: types.Value,
    Weight: weights.dtype,
    SOURCES: `${bounds.SOURCES}u`,
    OUTS: `${bounds.OUTS}u`,
    SOURCE_BINDINGS: bindingsOf(read),
    OUT_BINDINGS: bindingsOf(written),
  });
  const at = weights.start + written.first * weights.out + read.first * weights.source;
  const isAdded = (accumulate: boolean): number => (accumulate || read.first > 0 ? 1 : 0);
  return {
    label: `mix ${dtype} x${width} ${bounds.SOURCES} to ${bounds.OUTS}`,
    shader,
    constants: {},
    bindings: [
      ...padded(read.buffers, 4).map((buffer) => ({ buffer, access: 'read' }) as const),
      ...reads('weights'),
      ...padded(written.buffers, 3, ABSENT).map((buffer) => ({ buffer, access: 'read_write' }) as const),
    ],
    uniform: uniformBlock([
      ...[tokens, C / width, 0, 0],
      ...[at, weights.token, weights.out, weights.source],
      ...read.rows.flatMap(({ start, stride }) => [start / width, stride / width, 0, 0]),
      ...written.rows.flatMap(({ start, stride, accumulate }) => [
        ...[start / width, stride / width, isAdded(accumulate), 0],
      ]),
    ]),
    workgroups: foldWorkgroups(Math.ceil((tokens * C) / width / 256), caps),
  };
}
