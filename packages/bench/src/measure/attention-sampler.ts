import type { AttentionProblem } from '@modajs/kernels';
import type { OperandMemory } from './operand-memory.ts';
import { randomValue } from './random-value.ts';
import { SampleErrors } from './sample-errors.ts';

/** Seeds of the operands of attention. */
export const ATTENTION_SEEDS = { q: 11, k: 22, v: 33, depthK0: 44, depthV0: 55, dOut: 66 } as const;

/** Keys and values of one key/value head in f64; values of key n from `n * D`. */
interface HeadKeys {
  readonly k: Float64Array;
  readonly v: Float64Array;
  readonly count: number;
}

/** Exact weights and gradients of one query row. Keys: the sequence's first, then its own slots. */
interface ExactRow {
  readonly q: Float64Array;
  readonly dOut: Float64Array;
  readonly sequenceKeys: number;
  readonly weights: Float64Array;
  readonly dScores: Float64Array;
  readonly out: Float64Array;
  readonly dq: Float64Array;
  readonly lse: number;
}

/** Recomputes sampled rows of the first batch row of causal or full attention or MoDA (chunk 1, one segment) in f64 from the operands' seeds. */
export class AttentionSampler {
  readonly #sequence = new Map<number, HeadKeys>();
  readonly errors = new SampleErrors();

  constructor(
    readonly problem: AttentionProblem,
    readonly memory: OperandMemory,
  ) {}

  /** Rows of out and lse at the first, a middle and the last position. */
  async checkForward(): Promise<void> {
    const { T, H, Dv } = this.problem;
    for (const [i, h] of this.#sampledRows()) {
      const row = this.#row(i, h);
      this.errors.note('out', await this.memory.read('out', (i * H + h) * Dv, Dv), row.out);
      this.errors.note('lse', await this.memory.read('lse', h * T + i, 1), Float64Array.of(row.lse));
    }
  }

  /** Rows of dq, and of a causal problem the gradients of the last positions' keys and of the last position's slots: few rows see them. */
  async checkBackward(): Promise<void> {
    const { T, H, Hkv, D, causal } = this.problem;
    for (const [i, h] of this.#sampledRows()) {
      const row = this.#row(i, h);
      this.errors.note('dq', await this.memory.read('dq', (i * H + h) * D, D), row.dq);
      if (this.problem.defersDepth) await this.#checkPairs(i * H + h, row);
    }
    if (!causal) return;
    const G = H / Hkv;
    const head = Hkv - 1;
    const first = Math.max(0, T - 3);
    const rows: { position: number; exact: ExactRow }[] = [];
    for (let position = first; position < T; position++) {
      for (let g = 0; g < G; g++) rows.push({ position, exact: this.#row(position, head * G + g) });
    }
    if (this.problem.hasSequence) await this.#checkKeys(rows, head, first);
    if (!this.problem.defersDepth) await this.#checkSlots(rows, head);
  }

  async #checkKeys(rows: readonly { exact: ExactRow }[], head: number, first: number): Promise<void> {
    const { T, Tk, Hkv, D, Dv } = this.problem;
    for (let key = Tk - T + first; key < Tk; key++) {
      const seen = rows.filter(({ exact }) => key < exact.sequenceKeys).map(({ exact }) => exact);
      const at = key * Hkv + head;
      this.errors.note('dk', await this.memory.read('dk', at * D, D), gradientOfKey(seen, key, D));
      this.errors.note('dv', await this.memory.read('dv', at * Dv, Dv), gradientOfValue(seen, key, Dv));
    }
  }

  /** The pairs (p, dS) that a row leaves for its slots, dS before the scale: relative to the largest of the row. */
  async #checkPairs(at: number, { sequenceKeys, weights, dScores }: ExactRow): Promise<void> {
    const { B, T, H, scale, depth } = this.problem;
    const actual = new Float64Array(2 * depth!.S);
    for (let slot = 0; slot < depth!.S; slot++) {
      actual.set(await this.memory.read('depthPairs', 2 * (slot * B * T * H + at), 2), 2 * slot);
    }
    const own = { p: weights.subarray(sequenceKeys), dS: dScores.subarray(sequenceKeys).map((x) => x / scale) };
    for (const [part, name] of (['p', 'dS'] as const).entries()) {
      this.errors.note(
        name,
        own[name].map((_, slot) => actual[2 * slot + part]!),
        own[name],
      );
    }
  }

  async #checkSlots(rows: readonly { position: number; exact: ExactRow }[], head: number): Promise<void> {
    const { B, T, Hkv, D, Dv, depth } = this.problem;
    const own = rows.filter(({ position }) => position === T - 1).map(({ exact }) => exact);
    // One vector for all slots of the position: a slot that happens to matter little is not measured by itself.
    const S = depth?.S ?? 0;
    const [dK, dV] = [D, Dv].map((width) => ({
      actual: new Float64Array(S * width),
      exact: new Float64Array(S * width),
    }));
    for (let slot = 0; slot < S; slot++) {
      const at = (slot * B * depth!.Td + depth!.Td - 1) * Hkv + head;
      const key = own[0]!.sequenceKeys + slot;
      dK!.actual.set(await this.memory.read('dDepthK0', at * D, D), slot * D);
      dK!.exact.set(gradientOfKey(own, key, D), slot * D);
      dV!.actual.set(await this.memory.read('dDepthV0', at * Dv, Dv), slot * Dv);
      dV!.exact.set(gradientOfValue(own, key, Dv), slot * Dv);
    }
    if (S === 0) return;
    this.errors.note('dDepthK', dK!.actual, dK!.exact);
    this.errors.note('dDepthV', dV!.actual, dV!.exact);
  }

  #sampledRows(): [i: number, h: number][] {
    const { T, H } = this.problem;
    return [
      [0, 0],
      [Math.floor(T / 3), H - 1],
      [T - 1, Math.min(1, H - 1)],
    ];
  }

  #row(i: number, h: number): ExactRow {
    const { T, H, Hkv, D, Dv, depth, scale, Tk, causal, hasSequence } = this.problem;
    const head = Math.floor(h / (H / Hkv));
    const q = operand('q', (i * H + h) * D, D);
    const dOut = operand('dOut', (i * H + h) * Dv, Dv);
    const sequenceKeys = hasSequence ? (causal ? Tk - T + i + 1 : Tk) : 0;
    const sequence = this.#sequenceOf(head);
    const slots = slotsOf(this.problem, i, head);
    const count = sequenceKeys + (depth?.S ?? 0);
    const keyAt = (n: number): [HeadKeys, number] => (n < sequenceKeys ? [sequence, n] : [slots, n - sequenceKeys]);
    const weights = new Float64Array(count);
    for (let n = 0; n < count; n++) {
      const [keys, at] = keyAt(n);
      weights[n] = dot(q, keys.k, at * D) * scale;
    }
    const maximum = weights.reduce((a, x) => Math.max(a, x), Number.NEGATIVE_INFINITY);
    const sum = weights.reduce((a, x) => a + Math.exp(x - maximum), 0);
    const out = new Float64Array(Dv);
    for (let n = 0; n < count; n++) {
      const [keys, at] = keyAt(n);
      weights[n] = Math.exp(weights[n]! - maximum) / sum;
      addTo(out, keys.v, at * Dv, weights[n]!);
    }
    const delta = dot(out, dOut, 0);
    const dScores = new Float64Array(count);
    const dq = new Float64Array(D);
    for (let n = 0; n < count; n++) {
      const [keys, at] = keyAt(n);
      dScores[n] = weights[n]! * (dot(dOut, keys.v, at * Dv) - delta) * scale;
      addTo(dq, keys.k, at * D, dScores[n]!);
    }
    return { q, dOut, sequenceKeys, weights, dScores, out, dq, lse: maximum + Math.log(sum) };
  }

  #sequenceOf(head: number): HeadKeys {
    const { Tk, Hkv, D, Dv } = this.problem;
    let keys = this.#sequence.get(head);
    if (!keys) {
      const count = this.problem.hasSequence ? Tk : 0;
      keys = {
        k: strided('k', count, (j) => (j * Hkv + head) * D, D),
        v: strided('v', count, (j) => (j * Hkv + head) * Dv, Dv),
        count,
      };
      this.#sequence.set(head, keys);
    }
    return keys;
  }
}

function slotsOf({ B, T, Hkv, D, Dv, depth }: AttentionProblem, i: number, head: number): HeadKeys {
  const count = depth?.S ?? 0;
  const slot = (s: number) => s * B * depth!.Td * Hkv + (depth!.Td - T + i) * Hkv + head;
  return {
    k: strided('depthK0', count, (s) => slot(s) * D, D),
    v: strided('depthV0', count, (s) => slot(s) * Dv, Dv),
    count,
  };
}

function operand(name: keyof typeof ATTENTION_SEEDS, base: number, length: number): Float64Array {
  return Float64Array.from({ length }, (_, d) => randomValue(base + d, ATTENTION_SEEDS[name]));
}

function strided(
  name: keyof typeof ATTENTION_SEEDS,
  count: number,
  start: (n: number) => number,
  width: number,
): Float64Array {
  const values = new Float64Array(count * width);
  const seed = ATTENTION_SEEDS[name];
  for (let n = 0; n < count; n++) {
    const base = start(n);
    for (let d = 0; d < width; d++) values[n * width + d] = randomValue(base + d, seed);
  }
  return values;
}

function gradientOfKey(rows: readonly ExactRow[], key: number, D: number): Float64Array {
  const sum = new Float64Array(D);
  for (const { q, dScores } of rows) addTo(sum, q, 0, dScores[key]!);
  return sum;
}

function gradientOfValue(rows: readonly ExactRow[], key: number, Dv: number): Float64Array {
  const sum = new Float64Array(Dv);
  for (const { dOut, weights } of rows) addTo(sum, dOut, 0, weights[key]!);
  return sum;
}

function dot(a: Float64Array, b: Float64Array, bBase: number): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[bBase + d]!;
  return sum;
}

function addTo(target: Float64Array, source: Float64Array, base: number, factor: number): void {
  for (let d = 0; d < target.length; d++) target[d]! += source[base + d]! * factor;
}
