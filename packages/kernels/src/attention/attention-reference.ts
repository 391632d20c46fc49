import type { AttentionProblem } from './attention-problem.ts';

/** Operands by name, in any numeric array. */
export type ReferenceOperands = Readonly<Record<string, ArrayLike<number>>>;

/** Rounding of every stored intermediate: identity for the f64 truth, `Math.fround` for the naive f32 computation. */
export type Rounding = (value: number) => number;

const exact: Rounding = (value) => value;

interface Key {
  /** Operand suffixes: `k`/`v` for the sequence, `depthK0`/`depthV0` for a depth segment. */
  readonly kName: string;
  readonly vName: string;
  readonly kBase: number;
  readonly vBase: number;
}

/** The keys that query `i` of batch row `b`, key/value head `head` sees, by the definition of the family (no tiling, no ranges). */
function visibleKeys(
  problem: AttentionProblem,
  operands: ReferenceOperands,
  b: number,
  i: number,
  head: number,
): Key[] {
  const { T, Tk, Hkv, D, Dv, depth, keyCapacity = Tk, window = Number.POSITIVE_INFINITY } = problem;
  const docRange = problem.hasDocRange ? operands.docRange! : null;
  const start = docRange ? docRange[(b * T + i) * 2]! : 0;
  const end = docRange ? docRange[(b * T + i) * 2 + 1]! : Tk;
  const keys: Key[] = [];
  const position = Tk - T + i;
  for (let j = 0; problem.hasSequence && j < Tk; j++) {
    if ((problem.causal && j > position) || position - j >= window || j < start || j >= end) continue;
    const at = (b * keyCapacity + j) * Hkv + head;
    keys.push({ kName: 'k', vName: 'v', kBase: at * D, vBase: at * Dv });
  }
  if (!depth) return keys;
  const own = depth.Td - T + i;
  // Chunks count from the document's start.
  const origin = docRange ? Math.min(own, start - (Tk - depth.Td)) : -depth.chunkPhase;
  for (let p = Math.max(0, origin); p <= own; p++) {
    if (Math.floor((p - origin) / depth.chunk) !== Math.floor((own - origin) / depth.chunk)) continue;
    let slot = 0;
    for (const [segment, held] of depth.segments.entries()) {
      for (let s = 0; s < held && slot < depth.S; s++, slot++) {
        const at = ((s * problem.B + b) * depth.Td + p) * Hkv + head;
        keys.push({
          kName: `depthK${segment}`,
          vName: `depthV${segment}`,
          kBase: at * D,
          vBase: at * Dv,
        });
      }
    }
  }
  return keys;
}

/** `scale q.k` of a query row and a key, capped to `c tanh(s / c)` with a softcap. */
function logitOf(
  { D, scale, softcap: c }: AttentionProblem,
  operands: ReferenceOperands,
  key: Key,
  row: number,
  round: Rounding,
): number {
  const score = round(dot(operands.q!, row * D, operands[key.kName]!, key.kBase, D, round) * scale);
  return c === undefined ? score : round(c * round(Math.tanh(round(score / c))));
}

/** `o = sum_n softmax_n(logit_n) v_n` and `lse`, row by row. Rows without keys: 0 and -Infinity. */
export function attentionForwardReference(
  problem: AttentionProblem,
  operands: ReferenceOperands,
  round: Rounding = exact,
): { out: Float64Array; lse: Float64Array } {
  const { B, T, H, Hkv, Dv } = problem;
  const out = new Float64Array(B * T * H * Dv);
  const lse = new Float64Array(B * H * T);
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < T; i++) {
      for (let h = 0; h < H; h++) {
        const row = (b * T + i) * H + h;
        const keys = visibleKeys(problem, operands, b, i, Math.floor(h / (H / Hkv)));
        const scores = keys.map((key) => logitOf(problem, operands, key, row, round));
        const maximum = scores.reduce((a, x) => Math.max(a, x), Number.NEGATIVE_INFINITY);
        const weights = scores.map((score) => round(Math.exp(round(score - maximum))));
        const sum = weights.reduce((a, x) => round(a + x), 0);
        for (const [n, key] of keys.entries()) {
          const v = operands[key.vName]!;
          for (let d = 0; d < Dv; d++)
            out[row * Dv + d] = round(out[row * Dv + d]! + round(weights[n]! * v[key.vBase + d]!));
        }
        for (let d = 0; d < Dv && keys.length > 0; d++) out[row * Dv + d] = round(out[row * Dv + d]! / sum);
        lse[(b * H + h) * T + i] = keys.length > 0 ? round(maximum + round(Math.log(sum))) : Number.NEGATIVE_INFINITY;
      }
    }
  }
  return { out, lse };
}

/**
 * Every gradient from the definition: `p = exp(logit - lse)`, `dS = p (dOut.v - delta)`, times `1 - (logit / c)^2` under a cap.
 * Gradients are zero-filled, by operand name (`dq`, `dk`, `dv`, `dDepthK0`, ...); existing contents are the caller's to add.
 *
 * @param storeOut rounding of `out` between forward and backward: a kernel's delta comes from what was stored
 */
export function attentionBackwardReference(
  problem: AttentionProblem,
  operands: ReferenceOperands,
  round: Rounding = exact,
  storeOut: Rounding = exact,
): Record<string, Float64Array> {
  const { B, T, Tk, H, Hkv, D, Dv, depth, keyCapacity = Tk } = problem;
  const forward = attentionForwardReference(problem, operands, round);
  const out = forward.out.map(storeOut);
  const gradients: Record<string, Float64Array> = { dq: new Float64Array(B * T * H * D) };
  if (problem.hasSequence)
    Object.assign(gradients, {
      dk: new Float64Array(B * keyCapacity * Hkv * D),
      dv: new Float64Array(B * keyCapacity * Hkv * Dv),
    });
  for (const [segment, held] of (depth?.segments ?? []).entries()) {
    gradients[`dDepthK${segment}`] = new Float64Array(held * B * depth!.Td * Hkv * D);
    gradients[`dDepthV${segment}`] = new Float64Array(held * B * depth!.Td * Hkv * Dv);
  }
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < T; i++) {
      for (let h = 0; h < H; h++) {
        const row = (b * T + i) * H + h;
        const at = (b * H + h) * T + i;
        const delta = round(
          dot(out, row * Dv, operands.dOut!, row * Dv, Dv, round) - (problem.dLse ? operands.dLse![at]! : 0),
        );
        for (const key of visibleKeys(problem, operands, b, i, Math.floor(h / (H / Hkv)))) {
          backwardOfPair(problem, operands, gradients, key, row, forward.lse[at]!, delta, round);
        }
      }
    }
  }
  return gradients;
}

function backwardOfPair(
  problem: AttentionProblem,
  operands: ReferenceOperands,
  gradients: Record<string, Float64Array>,
  key: Key,
  row: number,
  lse: number,
  delta: number,
  round: Rounding,
): void {
  const { D, Dv, scale, softcap: c } = problem;
  const q = operands.q!;
  const k = operands[key.kName]!;
  const v = operands[key.vName]!;
  const dOut = operands.dOut!;
  const logit = logitOf(problem, operands, key, row, round);
  const weight = round(Math.exp(round(logit - lse)));
  const slope = c === undefined ? 1 : round(1 - round((logit / c) ** 2));
  const dScore = round(round(weight * round(dot(dOut, row * Dv, v, key.vBase, Dv, round) - delta)) * slope) * scale;
  const dk = gradients[gradientName(key.kName)]!;
  const dv = gradients[gradientName(key.vName)]!;
  const dq = gradients.dq!;
  for (let d = 0; d < D; d++) {
    dq[row * D + d] = round(dq[row * D + d]! + round(dScore * k[key.kBase + d]!));
    dk[key.kBase + d] = round(dk[key.kBase + d]! + round(dScore * q[row * D + d]!));
  }
  for (let d = 0; d < Dv; d++) dv[key.vBase + d] = round(dv[key.vBase + d]! + round(weight * dOut[row * Dv + d]!));
}

/** `k` -> `dk`, `depthK0` -> `dDepthK0`. */
function gradientName(name: string): string {
  return name.length === 1 ? `d${name}` : `d${name[0]!.toUpperCase()}${name.slice(1)}`;
}

function dot(
  a: ArrayLike<number>,
  aBase: number,
  b: ArrayLike<number>,
  bBase: number,
  length: number,
  round: Rounding,
): number {
  let sum = 0;
  for (let d = 0; d < length; d++) sum = round(sum + round(a[aBase + d]! * b[bBase + d]!));
  return sum;
}
