import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypesOf, openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, exact, expectClose, hostNumbers, ROUNDS, type Round } from '../../test/expect-close.ts';
import { randomArray } from '../testing/random.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planGather } from './gather.ts';
import { planGatherBackward } from './gather-backward.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

const offsets = { x: 0, index: 0, out: 0, dOut: 0, dx: 0 };

/** Indices with repeats, as words in a text. */
function indices(J: number, N: number): Int32Array {
  return Int32Array.from(randomArray(J, 21), (x) => Math.floor(Math.abs(x) ** 3 * N));
}

function adjoint(dOut: readonly number[], index: Int32Array, [R, N, I]: number[], r: Round): number[] {
  const dx = new Array<number>(R * N * I).fill(0);
  const J = index.length;
  for (let at = 0; at < R * J * I; at++) {
    const n = index[Math.floor(at / I) % J];
    if (n < 0 || n >= N) continue;
    const to = (Math.floor(at / I / J) * N + n) * I + (at % I);
    dx[to] = r(dx[to] + dOut[at]);
  }
  return dx;
}

const FIRST = 2 ** 31;

/** What gather-links.wgsl leaves. */
function chained(index: Int32Array, N: number): number[] {
  const J = index.length;
  return Array.from(index, (n, j) => {
    const next = index.indexOf(n, j + 1);
    const isFirst = n >= 0 && n < N && index.indexOf(n) === j;
    return (next < 0 ? J : next) + (isFirst ? FIRST : 0);
  });
}

describe('gather', () => {
  it.each([
    [1, 11, 8, 5],
    [1, 50, 3, 700],
    [3, 7, 5, 13],
    [2, 5, 68, 4],
  ])('of R=%i N=%i I=%i J=%i picks exactly, and its adjoint adds up in order [webgpu]', async (R, N, I, J) => {
    const index = indices(J, N);
    for (const dtype of dtypesOf(gpu)) {
      const x = Array.from(randomArray(R * N * I, 22), ROUNDS[dtype]);
      const own = { R, N, I, J, offsets };
      const picked = Array.from({ length: R * J * I }, (_, at) => {
        return x[(Math.floor(at / I / J) * N + index[Math.floor(at / I) % J]) * I + (at % I)];
      });
      const zeros = (size: number) => deviceArray(new Float32Array(size), dtype);
      const operands = { x: deviceArray(x, dtype), index, out: zeros(R * J * I) };
      const { out } = await runPlan(gpu.device, planGather({ ...own, dtype }, gpu.capabilities), operands);
      expect(hostNumbers(out)).toEqual(picked);

      const plan = planGatherBackward({ ...own, dOutDtype: dtype, dxDtype: dtype }, gpu.capabilities);
      const given = {
        dOut: deviceArray(picked, dtype),
        index,
        dx: deviceArray(
          x.map(() => 7),
          dtype,
        ),
      };
      const { dx } = await runPlan(gpu.device, plan, given);
      const size = [R, N, I];
      expectClose(
        hostNumbers(dx),
        adjoint(picked, index, size, exact),
        adjoint(picked, index, size, ROUNDS[dtype]),
        dtype,
      );
      expect((await runPlan(gpu.device, plan, given)).dx).toEqual(dx);
    }
  });

  it('adds its adjoint to f32 sums, rows without an index untouched [webgpu]', async () => {
    const [R, N, I, J] = [1, 50, 67, 31];
    const index = indices(J, N);
    for (const dtype of dtypesOf(gpu)) {
      const dOut = Array.from(randomArray(J * I, 23), ROUNDS[dtype]);
      const before = Float32Array.from(randomArray(N * I, 24));
      const own = { R, N, I, J, offsets, dOutDtype: dtype, dxDtype: 'f32', accumulate: true } as const;
      const plan = planGatherBackward(own, gpu.capabilities);
      const given = { dOut: deviceArray(dOut, dtype), index, dx: before };
      const { dx } = await runPlan(gpu.device, plan, given);
      const sums = (r: Round) => adjoint(dOut, index, [R, N, I], r).map((value, i) => r(value + before[i]));
      expectClose(hostNumbers(dx), sums(exact), sums(Math.fround));
      const named = new Set(index);
      const unnamed = Array.from({ length: N }, (_, n) => n).filter((n) => !named.has(n));
      expect(unnamed.length).toBeGreaterThan(0);
      for (const n of unnamed) expect(dx.slice(n * I, (n + 1) * I)).toEqual(before.slice(n * I, (n + 1) * I));
      expect((await runPlan(gpu.device, plan, given)).dx).toEqual(dx);
    }
  });

  it('gives NaN for indices outside, which get no gradient [webgpu]', async () => {
    const index = Int32Array.of(-1, 1, 2, 1);
    const own = { R: 1, N: 2, I: 1, J: 4, offsets };
    const plan = planGather({ ...own, dtype: 'f32' }, gpu.capabilities);
    const { out } = await runPlan(gpu.device, plan, { x: Float32Array.of(5, 6), index, out: new Float32Array(4) });
    expect(Array.from(out)).toEqual([Number.NaN, 6, Number.NaN, 6]);
    const backward = planGatherBackward({ ...own, dOutDtype: 'f32', dxDtype: 'f32' }, gpu.capabilities);
    const operands = { dOut: Float32Array.of(1, 2, 4, 8), index, dx: new Float32Array(2) };
    expect(Array.from((await runPlan(gpu.device, backward, operands)).dx)).toEqual([0, 10]);
  });

  it('clears the whole gradient without indices [webgpu]', async () => {
    const plan = planGatherBackward(
      { R: 1, N: 3, I: 1, J: 0, dOutDtype: 'f32', dxDtype: 'f32', offsets },
      gpu.capabilities,
    );
    const operands = { dOut: new Float32Array(1), index: new Int32Array(1), dx: Float32Array.of(1, 2, 3) };
    expect(Array.from((await runPlan(gpu.device, plan, operands)).dx)).toEqual([0, 0, 0]);
  });

  it.each([1, 4, 7, 8, 31, 32, 33, 260, 263, 1000, 2051, 4100])(
    'chains J=%i equal indices in order, at any offset, with many repeats, some and none [webgpu]',
    async (J) => {
      const random = randomArray(J, 25);
      const [N, spread] = [50_000, 61_001];
      const texts = {
        one: new Int32Array(J).fill(3),
        few: Int32Array.from(random, (x) => Math.floor(x * 4)),
        words: Int32Array.from(random, (x) => Math.floor(Math.abs(x) ** 3 * spread)),
        apart: Int32Array.from(random, (_, j) => (j * 7919 + 5) % spread),
        // The only repeat is as far away as can be.
        ends: Int32Array.from(random, (_, j) => (j === J - 1 ? 0 : j)),
      };
      for (const [name, index] of Object.entries(texts)) {
        for (const offset of [0, 3, 4]) {
          const problem = { R: 1, N, I: 1, J, offsets: { ...offsets, index: offset } };
          // Workgroups in short rows at one of the offsets, some of them for nothing.
          const caps = { ...gpu.capabilities, ...(offset === 4 ? { maxWorkgroupsPerDimension: 65 } : {}) };
          const plan = planGatherBackward({ ...problem, dOutDtype: 'f32', dxDtype: 'f32' }, caps);
          const passes = plan.passes.filter(({ label }) => label.startsWith('gather-links'));
          // What lies around the indices is an index, too.
          const around = new Int32Array(offset + J + 5).fill(index[0]!);
          around.set(index, offset);
          const given = { index: around, links: new Uint32Array(J) };
          const { links } = await runPlan(gpu.device, { passes, workspace: {} }, given);
          expect(Array.from(links), `${name} at ${offset}`).toEqual(chained(index, N));
          expect((await runPlan(gpu.device, { passes, workspace: {} }, given)).links).toEqual(links);
        }
      }
    },
  );
});
