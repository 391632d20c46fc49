import { type Device, init, randomNormal, randomUniform, type Tensor, tensor } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attention, depthAttention, mergeAttention, ScoredStream } from '../src/index.ts';

const [B, T, H, Hkv, D] = [2, 3, 6, 2, 5];
const WRITES = 9;

describe('scored stream [reference]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
  });
  afterAll(() => device.destroy());

  const random = (shape: number[], seed: number): Tensor => randomNormal(shape, { seed });

  /** Slots that each (b, t, head) should hold: the `recent` newest, and of the others the best, the newer of equals. */
  function expected(scores: ArrayLike<number>[], at: number, keep: number, recent: number): number[] {
    const newest = scores.map((_, slot) => slot).slice(scores.length - recent);
    const older = scores.map((_, slot) => slot).slice(0, scores.length - newest.length);
    const best = older.sort((a, b) => scores[b][at] - scores[a][at] || b - a).slice(0, keep - recent);
    return [...best, ...(recent > 0 ? newest : [])].sort((a, b) => a - b);
  }

  for (const [keep, recent] of [
    [1, 0],
    [3, 0],
    [4, 2],
    [3, 2],
    [20, 3],
  ]) {
    it(`holds the newest ${recent} slots and the best of the others, ${keep} at most, with ties`, async () => {
      using stream = new ScoredStream({ keep, recent });
      const scores: ArrayLike<number>[] = [];
      for (let slot = 0; slot < WRITES; slot++) {
        // Whole numbers: many scores are equal.
        const uniform = await randomUniform([B, T, Hkv], { seed: slot }).data();
        const values = Array.from(uniform, (value) => Math.floor(4 * value));
        scores.push(values);
        // A key that names its slot.
        const k = tensor(new Float32Array(B * T * Hkv * D).fill(slot), { shape: [B, T, Hkv, D] });
        stream.write(k, random([B, T, Hkv, D], slot), tensor(values, { shape: [B, T, Hkv] }));
        expect(stream.held).toBe(Math.min(slot + 1, keep));
        const keys = await Promise.all(stream.keys().map((key) => key.data()));
        for (let at = 0; at < B * T * Hkv; at++) {
          const held = keys.map((key) => key[at * (D + 8)]).sort((a, b) => a - b);
          expect(held).toEqual(expected(scores, at, keep, recent));
        }
      }
    });
  }

  it('adds the score to the logit: attention over k with a bias', async () => {
    using stream = new ScoredStream({ keep: 4, recent: 1 });
    const [q, k, v] = [random([B, T, H, D], 1), random([B, T, Hkv, D], 2), random([B, T, Hkv, D], 3)];
    const scale = 0.3;
    const slots = [4, 5, 6].map((seed) => ({
      k: random([B, T, Hkv, D], seed),
      v: random([B, T, Hkv, D], 10 + seed),
      score: random([B, T, Hkv], 20 + seed),
    }));
    for (const slot of slots) stream.write(slot.k, slot.v, slot.score);
    const depth = depthAttention(stream.query(q, scale), stream.read(), { scale });
    const { out } = mergeAttention(attention(q, k, v, { scale }), depth);
    const [qs, ks, vs, actual] = await Promise.all([q.data(), k.data(), v.data(), out.data()]);
    const held = await Promise.all(
      slots.map(async (s) => ({ k: await s.k.data(), v: await s.v.data(), s: await s.score.data() })),
    );
    for (let row = 0; row < B * T * H; row++) {
      const [bt, head] = [Math.floor(row / H), Math.floor((row % H) / (H / Hkv))];
      const [b, t] = [Math.floor(bt / T), bt % T];
      const dot = (keys: ArrayLike<number>, start: number) =>
        scale * Array.from({ length: D }, (_, d) => qs[row * D + d] * keys[start + d]).reduce((a, c) => a + c, 0);
      const at = (bt * Hkv + head) * D;
      const entries = held.map((slot) => ({ logit: dot(slot.k, at) + slot.s[bt * Hkv + head], v: slot.v, start: at }));
      for (let j = 0; j <= t; j++) {
        const start = ((b * T + j) * Hkv + head) * D;
        entries.push({ logit: dot(ks, start), v: vs, start });
      }
      const total = entries.reduce((sum, { logit }) => sum + Math.exp(logit), 0);
      for (let d = 0; d < D; d++) {
        const value = entries.reduce((sum, e) => sum + (Math.exp(e.logit) / total) * e.v[e.start + d], 0);
        expect(Math.abs(actual[row * D + d] - value)).toBeLessThan(1e-12);
      }
    }
  });

  it('leaves no memory behind', () => {
    const before = device.memory().liveBytes;
    const [k, v, score] = [random([B, T, Hkv, D], 2), random([B, T, Hkv, D], 3), random([B, T, Hkv], 4)];
    const stream = new ScoredStream({ keep: 3, recent: 1 });
    const sizes: number[] = [];
    for (let slot = 0; slot < WRITES; slot++) {
      stream.write(k, v, score);
      sizes.push(device.memory().liveBytes);
    }
    // Full: what is held no longer grows.
    expect(new Set(sizes.slice(4)).size).toBe(1);
    stream.dispose();
    for (const x of [k, v, score]) x.dispose();
    expect(device.memory().liveBytes).toBe(before);
  });
});
