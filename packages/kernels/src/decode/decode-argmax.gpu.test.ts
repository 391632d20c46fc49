import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray } from '../../test/expect-close.ts';
import { randomArray } from '../testing/random.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planDecodeArgmax } from './decode-argmax.ts';
import { planDecodeEmbed } from './decode-embed.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

describe('decode argmax [webgpu]', () => {
  for (const [V, choices] of [
    [1, 1],
    [19, 19],
    [257, 257],
    [5003, 5003],
    [5003, 4100],
    [5003, 3],
  ] as const) {
    it(`takes the first largest of ${choices} logits and steps on [V=${V}]`, async () => {
      const logits = randomArray(V, V).map((value) => Math.round(value * 40) / 4);
      const { state, results } = await runPlan(gpu.device, planDecodeArgmax({ V, choices, results: 3 }), {
        logits,
        state: Int32Array.of(8, 1, 2, 0),
        results: new Uint32Array(6).fill(7),
      });
      const largest = Math.max(...logits.subarray(0, choices));
      const token = logits.indexOf(largest);
      expect(Array.from(state)).toEqual([9, token, 3, 0]);
      expect(Array.from(results.subarray(0, 4))).toEqual([7, 7, 7, 7]);
      expect(results[4]).toBe(token);
      const logProb = -Math.log(logits.reduce((sum, value) => sum + Math.exp(value - largest), 0));
      expect(new Float32Array(results.buffer)[5]).toBeCloseTo(logProb, 5);
    });
  }

  it('gives a log-probability of NaN for logits with a NaN, and writes nothing past its results', async () => {
    const logits = Float32Array.of(1, Number.NaN, 2);
    const run = (results: number) =>
      runPlan(gpu.device, planDecodeArgmax({ V: 3, results }), {
        logits,
        state: Int32Array.of(0, 0, 1, 0),
        results: new Uint32Array(4).fill(7),
      });
    expect(new Float32Array((await run(2)).results.buffer)[3]).toBeNaN();
    expect(Array.from((await run(1)).results)).toEqual([7, 7, 7, 7]);
  });
});

describe('decode embed [webgpu]', () => {
  for (const dtype of ['f32', 'f16'] as const) {
    it(`copies the token's row, and NaN for a token outside the table [${dtype}]`, async () => {
      const values = Array.from({ length: 4 + 7 * 12 }, (_, i) => i / 8);
      const plan = planDecodeEmbed({ dtype, V: 7, C: 12, start: 4 }, gpu.capabilities);
      const run = async (token: number) => {
        const operands = { table: deviceArray(values, dtype), state: Int32Array.of(3, token, 0, 0) };
        return Array.from((await runPlan(gpu.device, plan, { ...operands, out: new Float32Array(12) })).out);
      };
      expect(await run(5)).toEqual(values.slice(64, 76));
      expect(await run(7)).toEqual(new Array(12).fill(Number.NaN));
      expect(await run(-1)).toEqual(new Array(12).fill(Number.NaN));
    });
  }
});
