import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttentionLayerConfig } from '../src/index.ts';
import { read } from './moda-identities.ts';
import { base, DEPTH_KEYS, lastLayer, SIZES } from './three-layers.ts';

const { B, T, H } = SIZES;

describe('attention statistics [reference]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
  });
  afterAll(() => device.destroy());

  for (const [name, change] of Object.entries({
    ...DEPTH_KEYS,
    'capped logits': { logitSoftcap: 0.3 },
    'capped logits, reader norm': { logitSoftcap: 0.3, depthKeyNorm: 'reader' },
  } as Record<string, Partial<AttentionLayerConfig>>)) {
    it(`agrees with the map, whose rows sum to 1: ${name}`, async () => {
      const { statistics, map } = await lastLayer({ ...base, ...change });
      const sequence = await read(map.sequence);
      const depth = await read(map.depth!);
      const S = map.depth!.shape[3];
      expect(S).toBe(change.depthSlots ?? 2);
      const [mass, entropy, sink] = await Promise.all(
        [statistics.depthMass, statistics.depthEntropy, statistics.sinkMass].map(read),
      );
      for (let row = 0; row < B * H * T; row++) {
        const inSequence = sequence.slice(row * T, (row + 1) * T);
        const inDepth = depth.slice(row * S, (row + 1) * S);
        const total = (values: number[]) => values.reduce((sum, p) => sum + p, 0);
        expect(total(inSequence) + total(inDepth)).toBeCloseTo(1, 10);
        expect(mass[row]).toBeCloseTo(total(inDepth), 10);
        expect(sink[row]).toBeCloseTo(inSequence[0], 10);
        const expected = -total(inDepth.map((p) => (p / mass[row]) * Math.log(p / mass[row])));
        expect(entropy[row]).toBeCloseTo(expected, 9);
      }
    });
  }

  it('averages by head', async () => {
    const { statistics, summary } = await lastLayer(base);
    const mass = await read(statistics.depthMass);
    expect(summary.count).toBe(B * T);
    for (let h = 0; h < H; h++) {
      const own = mass.filter((_, i) => Math.floor(i / T) % H === h);
      expect(summary.depthMass[h]).toBeCloseTo(own.reduce((sum, x) => sum + x, 0) / (B * T), 6);
    }
  });

  it('refuses the map of a chunk-visible layer', async () => {
    await expect(lastLayer({ ...base, depthChunk: 2 })).rejects.toThrow('Use attentionStatistics');
    const { summary } = await lastLayer({ ...base, depthChunk: 2 }, { withMap: false });
    expect(summary.depthMass.every((x) => x > 0 && x < 1)).toBe(true);
    const capped = { ...base, depthChunk: 2, logitSoftcap: 0.3 };
    await expect(lastLayer(capped, { withMap: false })).rejects.toThrow('under a cap');
  });
});

describe('depth key norms [reference]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
  });
  afterAll(() => device.destroy());

  it('reader and writer norms agree when all layers share one key-norm weight, with and without RoPE', async () => {
    for (const depthRope of ['none', 'shared'] as const) {
      const run = async (depthKeyNorm: 'reader' | 'writer') => {
        const { map } = await lastLayer({ ...base, depthRope, depthKeyNorm });
        return read(map.depth!);
      };
      const [reader, writer] = [await run('reader'), await run('writer')];
      reader.forEach((p, i) => {
        expect(p).toBeCloseTo(writer[i], 10);
      });
    }
  });
});
