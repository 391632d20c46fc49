import { planAttentionBackward } from '../attention/attention-backward.ts';
import type { AttentionConfig } from '../attention/attention-config.ts';
import { planAttentionForward } from '../attention/attention-forward.ts';
import type { AttentionProblem } from '../attention/attention-problem.ts';
import {
  attentionBackwardReference,
  attentionForwardReference,
  type Rounding,
} from '../attention/attention-reference.ts';
import { planDepthGather } from '../attention/gather/depth-gather.ts';
import { elementBytes } from '../plan/dtype-table.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { fromHalf, storedArray, storedValue } from './half.ts';
import type { KernelDevice } from './kernel-device.ts';
import { type OperandArray, runPlan } from './run-plan.ts';

/** A problem from what differs: MoDA-free causal f32 attention of a few prime sizes by default. */
export function attentionProblem(
  change: Partial<AttentionProblem> & { S?: number; chunk?: number } = {},
): AttentionProblem {
  const { S, chunk = 1, ...rest } = change;
  const base = { B: 1, T: 13, H: 2, Hkv: 1, D: 16, dtype: 'f32', causal: true, hasSequence: true, ...rest } as const;
  const depth = S === undefined ? null : { S, segments: [S], Td: base.T, chunk, chunkPhase: 0 };
  return { Tk: base.T, Dv: base.D, scale: base.D ** -0.5, depth, ...base };
}

/** Random operands of a problem, forward and backward, as numbers that its dtype holds exactly. */
export function attentionOperands(
  problem: AttentionProblem,
  options: { seed?: number; amplitude?: number; docRange?: number[] } = {},
): Record<string, Float64Array> {
  const { B, T, Tk, H, Hkv, D, Dv, depth, keyCapacity = Tk } = problem;
  const { seed = 1, amplitude = 1 } = options;
  const random = generator(seed);
  const stored: Rounding = (x) => storedValue(problem.dtype, x);
  const make = (length: number, size = 1) => Float64Array.from({ length }, () => stored(size * random()));
  const operands: Record<string, Float64Array> = { q: make(B * T * H * D, amplitude), dOut: make(B * T * H * Dv) };
  if (problem.hasSequence)
    Object.assign(operands, { k: make(B * keyCapacity * Hkv * D, amplitude), v: make(B * keyCapacity * Hkv * Dv) });
  if (problem.dLse) operands.dLse = Float64Array.from({ length: B * H * T }, () => Math.fround(random()));
  if (problem.hasDocRange) operands.docRange = Float64Array.from(options.docRange!);
  let before = 0;
  for (const [segment, held] of (depth?.segments ?? []).entries()) {
    for (const [name, dim] of [
      ['depthK', D],
      ['depthV', Dv],
    ] as const) {
      const slot = B * depth!.Td * Hkv * dim;
      const values = make(held * slot, name === 'depthK' ? amplitude : 1);
      values.fill(Number.NaN, Math.max(0, Math.min(held, depth!.S - before)) * slot); // slots beyond S must never leak
      operands[`${name}${segment}`] = values;
    }
    before += held;
  }
  return operands;
}

/** Results of the plans on a device, as numbers; `error` of each against f64, and of the naive f32 computation. */
export interface AttentionResult {
  readonly values: Record<string, Float64Array>;
  readonly raw: Record<string, OperandArray>;
}

/** Runs forward, then backward on its outputs, each shader through `rewrite`. Gradients start as NaN where they are overwritten, as 1 where they are added to. */
export async function runAttention(
  test: KernelDevice,
  problem: AttentionProblem,
  operands: Record<string, Float64Array>,
  config?: AttentionConfig,
  rewrite: (shader: string) => string = (shader) => shader,
): Promise<AttentionResult> {
  const rewritten = (plan: KernelPlan): KernelPlan => ({
    ...plan,
    passes: plan.passes.map((pass) => ({ ...pass, shader: rewrite(pass.shader) })),
  });
  const { B, T, Tk, H, Hkv, D, Dv, depth, keyCapacity = Tk } = problem;
  const store = (name: string, values: ArrayLike<number>): OperandArray => {
    if (name === 'docRange') return Int32Array.from(values);
    return storedArray(/lse/i.test(name) ? 'f32' : problem.dtype, values);
  };
  const inputs = Object.fromEntries(Object.entries(operands).map(([name, values]) => [name, store(name, values)]));
  const poison = (name: string, length: number) => store(name, new Float64Array(length).fill(Number.NaN));
  const forward = await runPlan(test.device, rewritten(planAttentionForward(problem, test.capabilities, config)), {
    ...inputs,
    out: poison('out', B * T * H * Dv),
    lse: poison('lse', B * H * T),
  });
  const gradients: Record<string, OperandArray> = { dq: poison('dq', B * T * H * D) };
  if (problem.hasSequence) {
    const before = problem.accumulateKeys ? 1 : Number.NaN;
    for (const [name, dim] of [
      ['dk', D],
      ['dv', Dv],
    ] as const) {
      const initial = new Float64Array(B * keyCapacity * Hkv * dim).fill(before);
      // Positions that no key lies at are left as they are.
      if (!problem.accumulateKeys)
        for (let b = 0; b < B; b++)
          initial.fill(0, (b * keyCapacity + Tk) * Hkv * dim, (b + 1) * keyCapacity * Hkv * dim);
      gradients[name] = store(name, initial);
    }
  }
  const grad = problem.depthGrad ?? { dtype: problem.dtype, accumulate: false };
  if (problem.defersDepth) gradients.depthPairs = poison('depthPairs', depth!.S * B * T * H * 2);
  for (const segment of problem.defersDepth ? [] : (depth?.segments ?? []).keys()) {
    for (const [name, dim] of [
      ['dDepthK', D],
      ['dDepthV', Dv],
    ] as const) {
      const initial = new Float64Array(depth!.segments[segment]! * B * depth!.Td * Hkv * dim).fill(
        grad.accumulate ? 1 : Number.NaN,
      );
      gradients[`${name}${segment}`] = storedArray(grad.dtype, initial);
    }
  }
  const backward = await runPlan(test.device, rewritten(planAttentionBackward(problem, test.capabilities, config)), {
    ...inputs,
    ...forward,
    ...gradients,
  });
  await test.check();
  const gathered = problem.defersDepth
    ? await gatherDepth(test, problem, { ...inputs, ...(backward as Record<string, OperandArray>) })
    : {};
  const raw: Record<string, OperandArray> = { ...forward, ...backward, ...gathered };
  const values = Object.fromEntries(
    Object.entries(raw).map(([name, data]) => [
      name,
      data instanceof Uint16Array ? fromHalf(data) : Float64Array.from(data),
    ]),
  );
  return { values, raw };
}

/** Gradients of the slots of each segment, two slots a gather; zeros beyond S. */
async function gatherDepth(
  test: KernelDevice,
  problem: AttentionProblem,
  { q, dOut, depthPairs }: Record<string, OperandArray>,
): Promise<Record<string, OperandArray>> {
  const { B, T, H, Hkv, D, Dv, dtype, depth, scale } = problem;
  const { S, segments } = depth!;
  const make = (length: number, fill: number): OperandArray => storedArray(dtype, new Float64Array(length).fill(fill));
  const [sizeK, sizeV] = [B * T * Hkv * D, B * T * Hkv * Dv];
  const held = segments.reduce((sum, count) => sum + count, 0);
  const whole = { K: make(held * sizeK, 0), V: make(held * sizeV, 0) };
  for (let slot = 0; slot < S; slot += 2) {
    const slots = slot + 1 < S ? 2 : 1;
    const readers = [{ row: 0, firstPair: slot * B * T * H, scale }];
    const plan = planDepthGather({ B, T, H, Hkv, D, Dv, dtype, slots, readers, accumulate: false }, test.capabilities);
    const { dDepthK, dDepthV } = await runPlan(test.device, plan, {
      q: q!,
      dOut: dOut!,
      depthPairs: depthPairs!,
      dDepthK: make(slots * sizeK, Number.NaN),
      dDepthV: make(slots * sizeV, Number.NaN),
    });
    whole.K.set(dDepthK, slot * sizeK);
    whole.V.set(dDepthV, slot * sizeV);
  }
  const results: Record<string, OperandArray> = {};
  let before = 0;
  for (const [segment, count] of segments.entries()) {
    results[`dDepthK${segment}`] = whole.K.slice(before * sizeK, (before + count) * sizeK);
    results[`dDepthV${segment}`] = whole.V.slice(before * sizeV, (before + count) * sizeV);
    before += count;
  }
  return results;
}

/** Largest error of a result against f64, and what it may be. */
export interface AttentionError {
  readonly name: string;
  readonly error: number;
  readonly allowed: number;
}

/**
 * The tolerance rule: largest error against f64 of each result at most 2x that of the naive f32 computation of the same formula
 * (results rounded to storage), with a floor of `floor` times the largest true value: 2^-20 for f32, 2^-10 for f16, and what
 * the last place of the largest logit changes in the weights: other orders of the same sums round it otherwise.
 *
 * @param hasHalfOperands the kernel rounds weights to f16 before it multiplies them: 2^-10 for f32 results too
 */
export function attentionErrors(
  problem: AttentionProblem,
  operands: Record<string, Float64Array>,
  result: AttentionResult,
  hasHalfOperands = false,
): AttentionError[] {
  const truth: Record<string, Float64Array> = {
    ...attentionForwardReference(problem, operands),
    ...attentionBackwardReference(problem, operands),
  };
  const naive: Record<string, Float64Array> = {
    ...attentionForwardReference(problem, operands, Math.fround),
    ...attentionBackwardReference(problem, operands, Math.fround, (x) => storedValue(problem.dtype, x)),
  };
  const grad = problem.depthGrad ?? { dtype: problem.dtype, accumulate: false };
  const lastPlace = 2 ** -23 * largestLogit(problem, operands);
  const errors: AttentionError[] = [];
  for (const [name, values] of Object.entries(truth)) {
    const isDepth = name.startsWith('dDepth');
    const dtype = name === 'lse' ? 'f32' : isDepth ? grad.dtype : problem.dtype;
    const isKey = name === 'dk' || name === 'dv';
    const initial = (isDepth && grad.accumulate) || (isKey && problem.accumulateKeys) ? 1 : 0;
    const actual = result.values[name] ?? new Float64Array(values.length).fill(initial); // S = 0 writes no depth gradient
    let error = 0;
    let naiveError = 0;
    let largest = 0;
    for (const [index, x] of values.entries()) {
      const expected = x + initial;
      const stored = storedValue(dtype, naive[name]![index]! + initial);
      error = worst(error, actual[index]!, expected);
      naiveError = worst(naiveError, stored, expected);
      if (Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
    }
    const floor = Math.max(elementBytes(dtype) < 4 || hasHalfOperands ? 2 ** -10 : 2 ** -20, lastPlace);
    const allowed = Math.max(2 * naiveError, floor * Math.max(largest, 2 ** -6));
    errors.push({ name, error, allowed });
  }
  return errors;
}

/** A bound of |scale q . k| over all rows: the product of the longest query and the longest key. */
function largestLogit({ D, scale }: AttentionProblem, operands: Record<string, Float64Array>): number {
  const longest = (name: string): number => {
    let most = 0;
    const values = operands[name]!;
    for (let start = 0; start < values.length; start += D) {
      const square = values.subarray(start, start + D).reduce((sum, x) => sum + x * x, 0);
      // Slots beyond S hold NaN.
      if (square > most) most = square;
    }
    return Math.sqrt(most);
  };
  const keys = Object.keys(operands).filter((name) => name === 'k' || name.startsWith('depthK'));
  return scale * longest('q') * Math.max(0, ...keys.map(longest));
}

/** The results that break the tolerance rule. */
export function attentionViolations(...of: Parameters<typeof attentionErrors>): AttentionError[] {
  return attentionErrors(...of).filter(({ error, allowed }) => !(error <= allowed));
}

/** The larger of `error` and `|actual - expected|`; a NaN anywhere stays. */
function worst(error: number, actual: number, expected: number): number {
  const distance = actual === expected ? 0 : Math.abs(actual - expected);
  return Number.isNaN(distance) ? Number.NaN : Math.max(error, distance);
}

/** Roughly normal numbers from a small linear congruential generator. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return () => uniform() + uniform() + uniform() + uniform() - 2;
}
