import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { elementBytes } from '../plan/dtype-table.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { PassBinding } from '../plan/plan.ts';
import { SMALLER_OPERAND } from '../plan/smaller-operand.ts';
import type { AttentionProblem, DepthProblem } from './attention-problem.ts';

type Range = PassBinding['range'];

/** A slice of an operand as one pass binds it: `offset` in elements from the binding's start to the first slot. */
export interface KeyOperand {
  readonly buffer: string;
  readonly range: Range;
  readonly offset: number;
  readonly slotStride: number;
  readonly batchStride: number;
}

/** Keys and values that one pass reads: positions x slots. The sequence is a source of one slot. */
export interface KeySource {
  readonly kind: 'sequence' | 'depth' | 'empty';
  readonly positions: number;
  readonly slots: number;
  /** Query i sits at position `i + queryOffset`. */
  readonly queryOffset: number;
  readonly causal: boolean;
  /** Positions back that a query sees, itself included. */
  readonly window: number;
  /** 0: not bounded by chunks. */
  readonly chunk: number;
  readonly chunkPhase: number;
  /** Key index of `docRange` minus position. */
  readonly docShift: number;
  readonly k: KeyOperand;
  readonly v: KeyOperand;
  readonly dk: KeyOperand;
  readonly dv: KeyOperand;
}

/** The window that bounds nothing. */
export const NO_WINDOW = 0x3fffffff;

/**
 * The sources of a problem in order: the sequence, then the slots in use, split where an operand's binding ends.
 * A problem whose only source is S = 0 slots gives one empty source, so that outputs are still written.
 *
 * @throws KernelError when one slot alone is above the binding limit
 */
export function keySources(problem: AttentionProblem, capabilities: DeviceCapabilities): KeySource[] {
  const sources: KeySource[] = problem.hasSequence ? [sequenceSource(problem)] : [];
  if (problem.depth) sources.push(...depthSources(problem, problem.depth, capabilities));
  if (sources.length === 0) sources.push(emptySource());
  return sources;
}

function sequenceSource(problem: AttentionProblem): KeySource {
  const { T, Tk, Hkv, D, Dv, keyCapacity = Tk } = problem;
  const operand = (buffer: string, batchStride: number): KeyOperand => ({
    buffer,
    range: undefined,
    offset: 0,
    slotStride: 0,
    batchStride,
  });
  return {
    kind: 'sequence',
    positions: Tk,
    slots: 1,
    queryOffset: Tk - T,
    causal: problem.causal,
    window: Math.min(problem.window ?? NO_WINDOW, NO_WINDOW),
    chunk: 0,
    chunkPhase: 0,
    docShift: 0,
    k: operand('k', keyCapacity * Hkv * D),
    v: operand('v', keyCapacity * Hkv * Dv),
    dk: operand('dk', keyCapacity * Hkv * D),
    dv: operand('dv', keyCapacity * Hkv * Dv),
  };
}

function emptySource(): KeySource {
  const operand: KeyOperand = { buffer: 'q', range: undefined, offset: 0, slotStride: 0, batchStride: 0 };
  return {
    kind: 'empty',
    positions: 0,
    slots: 0,
    queryOffset: 0,
    causal: false,
    window: NO_WINDOW,
    chunk: 0,
    chunkPhase: 0,
    docShift: 0,
    k: operand,
    v: operand,
    dk: operand,
    dv: operand,
  };
}

function depthSources(problem: AttentionProblem, depth: DepthProblem, capabilities: DeviceCapabilities): KeySource[] {
  const { T, Tk } = problem;
  const sources: KeySource[] = [];
  let before = 0;
  for (const [segment, held] of depth.segments.entries()) {
    const live = Math.min(held, depth.S - before);
    const start = before;
    before += held;
    for (const [first, count] of splitSlots(problem, depth, live, capabilities)) {
      sources.push({
        kind: 'depth',
        positions: depth.Td,
        slots: count,
        queryOffset: depth.Td - T,
        causal: true,
        window: NO_WINDOW,
        chunk: depth.chunk,
        chunkPhase: depth.chunkPhase % depth.chunk,
        docShift: Tk - depth.Td,
        ...depthOperands(problem, depth, segment, first, count, capabilities),
        ...(problem.defersDepth ? { dk: deferredOperand(problem, start + first) } : {}),
      });
    }
  }
  return sources;
}

/** Where the pairs (p, dS) of a source's slots go: all of `depthPairs`, counted in pairs. */
function deferredOperand({ B, T, H }: AttentionProblem, firstSlot: number): KeyOperand {
  const slotStride = B * T * H;
  return { buffer: 'depthPairs', range: undefined, offset: firstSlot * slotStride, slotStride, batchStride: T * H };
}

/** `[first, count]` of runs of slots that fit one binding of every depth operand, gradients included. */
function splitSlots(
  problem: AttentionProblem,
  depth: DepthProblem,
  live: number,
  capabilities: DeviceCapabilities,
): [number, number][] {
  if (live <= 0) return [];
  const widest = Math.max(elementBytes(problem.dtype), elementBytes(problem.depthGrad?.dtype ?? problem.dtype));
  const slotBytes = problem.B * depth.Td * problem.Hkv * Math.max(problem.D, problem.Dv) * widest;
  const limit = capabilities.maxBindingBytes;
  const perBinding =
    live * slotBytes <= limit ? live : Math.floor((limit - capabilities.minStorageAlignment) / slotBytes);
  if (perBinding < 1) {
    throw new KernelError(
      `attention: one depth slot must fit one binding of ${limit} B, got ${slotBytes} B. ${SMALLER_OPERAND}`,
      { slotBytes, limit },
    );
  }
  const runs: [number, number][] = [];
  for (let first = 0; first < live; first += perBinding) runs.push([first, Math.min(perBinding, live - first)]);
  return runs;
}

function depthOperands(
  problem: AttentionProblem,
  depth: DepthProblem,
  segment: number,
  first: number,
  count: number,
  capabilities: DeviceCapabilities,
): Pick<KeySource, 'k' | 'v' | 'dk' | 'dv'> {
  const gradient = problem.depthGrad?.dtype ?? problem.dtype;
  const operand = (name: string, dim: number, dtype: 'f32' | 'f16'): KeyOperand => {
    const batchStride = depth.Td * problem.Hkv * dim;
    const slotStride = problem.B * batchStride;
    const { range, offset } = slice(
      first * slotStride,
      count * slotStride,
      elementBytes(dtype),
      depth.segments[segment]! * slotStride,
      capabilities,
    );
    return { buffer: `${name}${segment}`, range, offset, slotStride, batchStride };
  };
  return {
    k: operand('depthK', problem.D, problem.dtype),
    v: operand('depthV', problem.Dv, problem.dtype),
    dk: operand('dDepthK', problem.D, gradient),
    dv: operand('dDepthV', problem.Dv, gradient),
  };
}

/** Binding of `count` elements from `first` on, in an operand of `total`: all of it where that fits, else the aligned part around them. */
export function slice(
  first: number,
  count: number,
  bytes: number,
  total: number,
  capabilities: DeviceCapabilities,
): { range: Range; offset: number } {
  if (total * bytes <= capabilities.maxBindingBytes) return { range: undefined, offset: first };
  const alignment = Math.max(capabilities.minStorageAlignment, 4);
  const start = Math.floor((first * bytes) / alignment) * alignment;
  const size = Math.ceil(((first + count) * bytes - start) / 4) * 4;
  return { range: { offset: start, size }, offset: first - start / bytes };
}
