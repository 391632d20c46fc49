import type { AttentionProblem } from '../src/attention/attention-problem.ts';
import { fromHalf } from '../src/testing/half.ts';
import type { BenchBuffers } from './bench-device.ts';
import { randomValue } from './random-values.ts';

/** Seeds of the operands that `random-fill.wgsl` makes. */
export const SEEDS = { q: 11, k: 22, v: 33, depthK0: 44, depthV0: 55, dOut: 66 } as const;

/** Elements after which `BenchBuffers.fill` repeats, by dtype. */
const PERIOD = { f32: 2 ** 28, f16: 2 ** 29 };

type Name = keyof typeof SEEDS;

/** Largest errors of sampled rows and keys against f64, relative to the largest true value sampled. */
export type SampleErrors = Record<string, number>;

/** Weights, scores and values of one query row in f64: the keys it sees, their softmax. For causal or full B = 1 problems with C = 1. */
export class AttentionSampler {
  constructor(
    private readonly problem: AttentionProblem,
    private readonly buffers: BenchBuffers,
  ) {}

  private at(name: Name, base: number, length: number): Float64Array {
    const { dtype } = this.problem;
    return Float64Array.from({ length }, (_, d) => randomValue((base + d) % PERIOD[dtype], SEEDS[name], 1));
  }

  /** Row of out, lse, delta and the pieces that the gradients of single rows and keys need, all exact. */
  row(i: number, h: number) {
    const { T, Tk, H, Hkv, D, Dv, depth, scale } = this.problem;
    const head = Math.floor(h / (H / Hkv));
    const q = this.at('q', (i * H + h) * D, D);
    const dOut = this.at('dOut', (i * H + h) * Dv, Dv);
    const keys: { k: Float64Array; v: Float64Array; id: string }[] = [];
    const end = this.problem.causal ? Tk - T + i + 1 : Tk;
    for (let j = 0; j < end && this.problem.hasSequence; j++) {
      keys.push({ k: this.at('k', (j * Hkv + head) * D, D), v: this.at('v', (j * Hkv + head) * Dv, Dv), id: `s${j}` });
    }
    for (let s = 0; s < (depth?.S ?? 0); s++) {
      const slot = s * depth!.Td * Hkv + (depth!.Td - T + i) * Hkv + head;
      keys.push({ k: this.at('depthK0', slot * D, D), v: this.at('depthV0', slot * Dv, Dv), id: `d${s}` });
    }
    const scores = keys.map(({ k }) => dot(q, k) * scale);
    const maximum = scores.reduce((a, x) => Math.max(a, x), Number.NEGATIVE_INFINITY);
    const sum = scores.reduce((a, x) => a + Math.exp(x - maximum), 0);
    const weights = scores.map((x) => Math.exp(x - maximum) / sum);
    const out = new Float64Array(Dv);
    for (const [n, { v }] of keys.entries()) for (let d = 0; d < Dv; d++) out[d]! += weights[n]! * v[d]!;
    const delta = dot(out, dOut);
    const dScores = keys.map(({ v }, n) => weights[n]! * (dot(dOut, v) - delta) * scale);
    const dq = new Float64Array(D);
    for (const [n, { k }] of keys.entries()) for (let d = 0; d < D; d++) dq[d]! += dScores[n]! * k[d]!;
    return { q, dOut, keys, weights, dScores, out, dq, lse: maximum + Math.log(sum) };
  }

  /** Compares rows of out and lse, and with `backward` of dq, and gradients of late keys and of the rows' slots. */
  async check(backward: boolean): Promise<SampleErrors> {
    const { T, H, Hkv, D, Dv, depth } = this.problem;
    const G = H / Hkv;
    const errors: SampleErrors = {};
    for (const [i, h] of [
      [0, 0],
      [Math.floor(T / 3), H - 1],
      [T - 1, Math.min(1, H - 1)],
    ] as const) {
      const row = this.row(i, h);
      this.note(errors, 'out', await this.read('out', (i * H + h) * Dv, Dv), row.out);
      const lse = new Float32Array(await this.buffers.read('lse', (h * T + i) * 4, 4));
      this.note(errors, 'lse', [...lse], Float64Array.of(row.lse));
      if (backward) this.note(errors, 'dq', await this.read('dq', (i * H + h) * D, D), row.dq);
    }
    if (!backward) return errors;
    const head = Hkv - 1;
    const last = 3; // keys of the last positions: few rows see them
    const dk = new Map<string, Float64Array>();
    const dv = new Map<string, Float64Array>();
    for (let i = T - last; i < T; i++) {
      for (let g = 0; g < G; g++) {
        const row = this.row(i, head * G + g);
        for (const [n, { id }] of row.keys.entries()) {
          const wanted = id[0] === 'd' ? i === T - 1 : Number(id.slice(1)) >= T - last;
          if (!wanted || !this.problem.causal) continue;
          add(dk, id, row.q, row.dScores[n]!);
          add(dv, id, row.dOut, row.weights[n]!);
        }
      }
    }
    for (const [id, expected] of dk) {
      const isDepth = id[0] === 'd';
      const index = Number(id.slice(1));
      const at = isDepth ? (index * depth!.Td + depth!.Td - 1) * Hkv + head : index * Hkv + head;
      this.note(errors, isDepth ? 'dDepthK' : 'dk', await this.read(isDepth ? 'dDepthK0' : 'dk', at * D, D), expected);
      this.note(
        errors,
        isDepth ? 'dDepthV' : 'dv',
        await this.read(isDepth ? 'dDepthV0' : 'dv', at * Dv, Dv),
        dv.get(id)!,
      );
    }
    return errors;
  }

  private async read(name: string, first: number, count: number): Promise<number[]> {
    const dtype = name.startsWith('dDepth')
      ? (this.problem.depthGrad?.dtype ?? this.problem.dtype)
      : this.problem.dtype;
    if (dtype === 'f32') return [...new Float32Array(await this.buffers.read(name, first * 4, count * 4))];
    return [...fromHalf(new Uint16Array(await this.buffers.read(name, first * 2, count * 2)))];
  }

  private note(errors: SampleErrors, name: string, actual: ArrayLike<number>, expected: Float64Array): void {
    const largest = expected.reduce((a, x) => Math.max(a, Math.abs(x)), 1e-30);
    let error = 0;
    for (const [d, x] of expected.entries()) {
      const distance = Math.abs(actual[d]! - x) / largest;
      error = Number.isNaN(distance) ? Number.NaN : Math.max(error, distance);
    }
    errors[name] = Number.isNaN(error) ? Number.NaN : Math.max(errors[name] ?? 0, error);
  }
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}

function add(map: Map<string, Float64Array>, id: string, vector: Float64Array, factor: number): void {
  const sum = map.get(id) ?? new Float64Array(vector.length);
  for (let d = 0; d < vector.length; d++) sum[d]! += vector[d]! * factor;
  map.set(id, sum);
}
