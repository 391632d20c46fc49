import type { AttentionProblem } from '../src/attention/attention-problem.ts';
import { type DepthReader, planDepthGather } from '../src/attention/gather/depth-gather.ts';
import type { DeviceCapabilities } from '../src/plan/capabilities.ts';
import { fromHalf } from '../test/half.ts';
import { type BenchBuffers, prepare, type Timing, timePlan } from './bench-device.ts';
import { randomValue } from './random-values.ts';

const SEEDS = { q: 111, dOut: 122, depthWeights: 133 } as const;

/**
 * Times the gather of slots 0 and 1 of a model whose blocks write two slots each, all of its `readers` at once, and compares
 * a few keys with f64. f16 only.
 */
export async function measureGather(
  buffers: BenchBuffers,
  problem: AttentionProblem,
  readers: number,
  capabilities: DeviceCapabilities,
  runs: number,
): Promise<{ timing: Timing; errors: Record<string, number> }> {
  const { B, T, H, Hkv, D, Dv, scale } = problem;
  const pairs = B * T * H;
  // Latest reader first, as in a backward pass: reader n reads 2 (readers - n) slots.
  const list: DepthReader[] = [];
  let firstPair = 0;
  for (let row = 0; row < readers; row++) {
    list.push({ row, firstPair, scale });
    firstPair += 2 * (readers - row) * pairs;
  }
  await buffers.fill('q', readers * pairs * D, 'f16', SEEDS.q);
  await buffers.fill('dOut', readers * pairs * Dv, 'f16', SEEDS.dOut);
  await buffers.fill('depthWeights', firstPair * 2, 'f16', SEEDS.depthWeights);
  buffers.allocate('dDepthK', 2 * B * T * Hkv * D * 2);
  buffers.allocate('dDepthV', 2 * B * T * Hkv * Dv * 2);
  const shape = { B, T, H, Hkv, D, Dv, dtype: 'f16', slots: 2 } as const;
  const plan = await prepare(buffers, planDepthGather({ ...shape, readers: list, accumulate: false }, capabilities));
  const timing = await timePlan(buffers, plan, runs);
  return { timing, errors: await sampleGather(buffers, problem, list) };
}

/** Largest errors of three keys of each slot against f64, relative to the largest value of the key. */
async function sampleGather(
  buffers: BenchBuffers,
  { B, T, H, Hkv, D, Dv }: AttentionProblem,
  readers: readonly DepthReader[],
): Promise<Record<string, number>> {
  const G = H / Hkv;
  const errors: Record<string, number> = { 'gather dK': 0, 'gather dV': 0 };
  for (const slot of [0, 1]) {
    for (const key of [0, Math.floor((B * T * Hkv) / 3), B * T * Hkv - 1]) {
      const dK = new Float64Array(D);
      const dV = new Float64Array(Dv);
      for (const { row, firstPair, scale } of readers) {
        for (let g = 0; g < G; g++) {
          const at = Math.floor(key / Hkv) * H + (key % Hkv) * G + g;
          const pair = 2 * (firstPair + slot * B * T * H + at);
          const p = randomValue(pair, SEEDS.depthWeights, 1);
          const dS = randomValue(pair + 1, SEEDS.depthWeights, 1);
          for (let d = 0; d < D; d++) dK[d]! += scale * dS * randomValue((row * B * T * H + at) * D + d, SEEDS.q, 1);
          for (let d = 0; d < Dv; d++) dV[d]! += p * randomValue((row * B * T * H + at) * Dv + d, SEEDS.dOut, 1);
        }
      }
      for (const [name, expected] of [
        ['dDepthK', dK],
        ['dDepthV', dV],
      ] as const) {
        const start = (slot * B * T * Hkv + key) * expected.length * 2;
        const actual = fromHalf(new Uint16Array(await buffers.read(name, start, expected.length * 2)));
        const largest = expected.reduce((a, x) => Math.max(a, Math.abs(x)), 1e-30);
        const error = expected.reduce((a, x, d) => Math.max(a, Math.abs(x - actual[d]!) / largest), 0);
        const label = name === 'dDepthK' ? 'gather dK' : 'gather dV';
        errors[label] = Number.isNaN(error) ? Number.NaN : Math.max(errors[label]!, error);
      }
    }
  }
  return errors;
}
