import type { DecodeAttentionProblem } from './decode-attention.ts';
import type { DecodeProductProblem } from './decode-product.ts';

type Round = (value: number) => number;

/** What a product reads, as numbers. Weights row-major `[rows, K]`. */
export interface ProductValues {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly vectors: readonly number[];
  readonly weights: readonly (readonly number[])[];
}

function rmsNorm(x: readonly number[], weight: readonly number[], eps: number, r: Round): number[] {
  const squares = x.reduce((sum, value) => r(sum + r(value * value)), 0);
  const scale = r(1 / Math.sqrt(squares / x.length + eps));
  return x.map((value, i) => r(r(value * scale) * weight[i]!));
}

function inputOf(problem: DecodeProductProblem, values: ProductValues, r: Round): { input: number[]; carry: number[] } {
  const { K, input } = problem;
  const { x, y, vectors } = values;
  if (input.kind === 'plain') return { input: x.slice(0, K), carry: [] };
  if (input.kind === 'merge') {
    const heads = K / input.headDim;
    const merged = Array.from({ length: K }, (_, k) => {
      const head = Math.floor(k / input.headDim);
      const part = (s: number) => ({ max: y[2 * (s * heads + head)]!, sum: y[2 * (s * heads + head) + 1]! });
      const parts = Array.from({ length: input.splits }, (_, s) => part(s));
      const largest = Math.max(...parts.map(({ max }) => max));
      let total = 0;
      let sum = 0;
      for (const [s, { max, sum: own }] of parts.entries()) {
        const weight = r(Math.exp(max - largest));
        total = r(total + r(weight * x[s * K + k]!));
        sum = r(sum + r(weight * own));
      }
      return r(total / sum);
    });
    return { input: merged, carry: [] };
  }
  const weightAt = (start: number) => vectors.slice(start, start + K);
  let sum = x.slice(0, K);
  if (input.hasY) {
    const addend = input.normOf === 'y' ? rmsNorm(y.slice(0, K), weightAt(input.norm), input.eps, r) : y;
    sum = sum.map((value, k) => r(value + addend[k]!));
  }
  if (input.normOf === 'sum') sum = rmsNorm(sum, weightAt(input.norm), input.eps, r);
  const normed = input.inputNorm === null ? sum : rmsNorm(sum, weightAt(input.inputNorm), input.eps, r);
  return { input: normed, carry: sum };
}

/** `planDecodeProduct` on the host: one list of results for each weight (gate and up give one together), and the carried sum. */
export function referenceDecodeProduct(
  problem: DecodeProductProblem,
  values: ProductValues,
  r: Round = (value) => value,
): { results: number[][]; carry: number[] } {
  const { K, weights, isPaired } = problem;
  const { input, carry } = inputOf(problem, values, r);
  const products = weights.map(({ rows, bias }, w) =>
    Array.from({ length: rows }, (_, row) => {
      let sum = 0;
      for (let k = 0; k < K; k++) sum = r(sum + r(input[k]! * values.weights[w]![row * K + k]!));
      return bias === null ? sum : r(sum + values.vectors[bias + row]!);
    }),
  );
  if (!isPaired) return { results: products, carry };
  const [gate, up, ...rest] = products;
  return { results: [gate!.map((value, i) => r(r(value / (1 + Math.exp(-value))) * up![i]!)), ...rest], carry };
}

/** What attention of one token reads. Caches `[capacity, Hkv, D]`, slots `[slots, Hkv, D]`; changed in place. */
export interface AttentionValues {
  readonly position: number;
  readonly raw: readonly number[];
  readonly ffnKv: readonly number[];
  readonly vectors: readonly number[];
  readonly cacheK: number[];
  readonly cacheV: number[];
  readonly depthK: number[];
  readonly depthV: number[];
}

/** `planDecodeAttention` on the host, splits merged: out `[H, D]`. `store` rounds what caches and slots keep. */
export function referenceDecodeAttention(
  problem: DecodeAttentionProblem,
  values: AttentionValues,
  store: Round = (value) => value,
): number[] {
  const { H, Hkv, D, depth, scale } = problem;
  const { position, raw, ffnKv, cacheK, cacheV, depthK, depthV } = values;
  const width = Hkv * D;
  const rotated = (x: number[], heads: number): number[] => rotate(x, heads, D, position, problem);
  const normed = (x: number[], norm: number, heads: number): number[] =>
    qkNorm(x, values.vectors, norm, heads, problem);
  const q = rotated(normed(raw.slice(0, H * D), problem.qNorm, H), H);
  const k = rotated(normed(raw.slice(H * D, H * D + width), problem.kNorm, Hkv), Hkv);
  const put = (target: number[], index: number, row: readonly number[]): void =>
    row.forEach((value, i) => {
      target[index * width + i] = store(value);
    });
  put(cacheK, position, k);
  put(cacheV, position, raw.slice(H * D + width, H * D + 2 * width));
  const slot = (source: readonly number[], start: number, norm: number, index: number): void => {
    const plain = source.slice(start, start + width);
    const key = depth!.hasNorm ? normed(plain, norm, Hkv) : plain;
    put(depthK, index, depth!.hasRope ? rotated(key, Hkv) : key);
    put(depthV, index, source.slice(start + width, start + 2 * width));
  };
  if (depth?.ffnKv) slot(ffnKv, depth.ffnKv.start, depth.ffnKv.norm, depth.ffnKv.slot);
  if (depth?.attentionKv) slot(raw, depth.attentionKv.start, problem.kNorm, depth.attentionKv.slot);
  const out: number[] = [];
  for (let h = 0; h < H; h++) {
    const head = Math.floor(h / (H / Hkv));
    const row = (source: readonly number[], n: number) => source.slice((n * Hkv + head) * D, (n * Hkv + head + 1) * D);
    const keys: { k: number[]; v: number[] }[] = [];
    for (let n = depth?.first ?? 0; n < (depth?.end ?? 0); n++) keys.push({ k: row(depthK, n), v: row(depthV, n) });
    for (let n = 0; n <= position; n++) keys.push({ k: row(cacheK, n), v: row(cacheV, n) });
    const own = q.slice(h * D, (h + 1) * D);
    const scores = keys.map((key) => scale * key.k.reduce((sum, value, d) => sum + value * own[d]!, 0));
    const largest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - largest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let d = 0; d < D; d++) out.push(keys.reduce((sum, key, n) => sum + weights[n]! * key.v[d]!, 0) / total);
  }
  return out;
}

function qkNorm(
  x: number[],
  vectors: readonly number[],
  start: number,
  heads: number,
  { qkNorm: scope, D, eps }: DecodeAttentionProblem,
): number[] {
  if (scope === 'none') return x;
  const exact: Round = (value) => value;
  if (scope === 'full') return rmsNorm(x, vectors.slice(start, start + heads * D), eps, exact);
  const parts = Array.from({ length: heads }, (_, h) => x.slice(h * D, (h + 1) * D));
  return parts.flatMap((part) => rmsNorm(part, vectors.slice(start, start + D), eps, exact));
}

function rotate(x: number[], heads: number, D: number, position: number, { rotary }: DecodeAttentionProblem): number[] {
  if (rotary === null) return x;
  const out = x.slice();
  for (let h = 0; h < heads; h++) {
    for (let i = 0; i < D / 2; i++) {
      const angle = position * Math.fround(rotary.frequencies?.[i] ?? rotary.theta ** ((-2 * i) / D));
      const left = h * D + (rotary.isInterleaved ? 2 * i : i);
      const right = h * D + (rotary.isInterleaved ? 2 * i + 1 : i + D / 2);
      out[left] = x[left]! * Math.cos(angle) - x[right]! * Math.sin(angle);
      out[right] = x[left]! * Math.sin(angle) + x[right]! * Math.cos(angle);
    }
  }
  return out;
}
