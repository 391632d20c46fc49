import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { expectClose } from '../../test/expect-close.ts';
import { BASELINE_CAPABILITIES } from '../plan/capabilities.ts';
import { runPlan } from '../testing/run-plan.ts';
import { normalReference, philoxReference, uniformReference } from './philox-reference.ts';
import { planRandom } from './random.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

const SEED = 2 ** 40 + 12345;

async function random(kind: 'uniform' | 'normal', size: number, offset: number): Promise<Float32Array> {
  const problem = { kind, dtype: 'f32' as const, size, seed: SEED, offset, offsets: { out: 0 } };
  return (await runPlan(gpu.device, planRandom(problem, gpu.capabilities), { out: new Float32Array(size) })).out;
}

describe('random', () => {
  it('has the words of the paper for counter 0 and key 0', () => {
    // Known answer of Random123 (kat_vectors): philox4x32 10, counter and key zero.
    expect(philoxReference(0n, 0n)).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  });

  it.each([0, 1, 3, 4 * 2 ** 32 - 5, 2 ** 52 + 2])(
    'is the same uniform stream bit for bit from offset %i [webgpu]',
    async (offset) => {
      const out = await random('uniform', 37, offset);
      expect(Array.from(out)).toEqual(Array.from(out, (_, i) => uniformReference(offset + i, SEED)));
    },
  );

  it('is the normal stream [webgpu]', async () => {
    const out = await random('normal', 5001, 1);
    const truth = Array.from(out, (_, i) => normalReference(1 + i, SEED));
    expectClose(out, truth, truth.map(Math.fround));
  });

  it('drops what the uniform stream says and scales the rest, in place or not [webgpu]', async () => {
    const x = Float32Array.from({ length: 101 }, (_, i) => i - 50);
    const [p, offset] = [0.25, 6];
    const expected = Array.from(x, (v, i) =>
      uniformReference(offset + i, SEED) >= p ? Math.fround(v * Math.fround(4 / 3)) : 0,
    );
    for (const isInPlace of [false, true]) {
      const own = { kind: 'dropout' as const, dtype: 'f32' as const, size: 101, seed: SEED, offset, p, isInPlace };
      const plan = planRandom({ ...own, offsets: { x: 0, out: 0 } }, gpu.capabilities);
      const { out } = await runPlan(gpu.device, plan, { x, out: isInPlace ? x : new Float32Array(101) });
      expect(Array.from(out, (v) => v + 0)).toEqual(expected.map((v) => v + 0));
    }
  });

  it('refuses to drop everything', () => {
    const problem = {
      kind: 'dropout' as const,
      dtype: 'f32' as const,
      size: 1,
      seed: 0,
      offset: 0,
      p: 1,
      offsets: { x: 0, out: 0 },
    };
    expect(() => planRandom(problem, BASELINE_CAPABILITIES)).toThrow(/0 <= p < 1, got p=1/);
  });
});
