import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypesOf, openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, exact, expectClose, hostNumbers, ROUNDS, type Round } from '../../test/expect-close.ts';
import { randomArray } from '../testing/random.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planNorm } from './norm.ts';
import { planNormBackward } from './norm-backward.ts';
import { normRow, normRowBackward } from './norm-reference.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

const EPS = 1e-5;

function inputs(rows: number, N: number, dtype: 'f32' | 'f16') {
  const values = (size: number, seed: number) => Array.from(randomArray(size, seed), (v) => ROUNDS[dtype](v + 0.25));
  return { x: values(rows * N, 1), weight: values(N, 2), bias: values(N, 3), dOut: values(rows * N, 4) };
}

function reference({ x, weight, bias, dOut }: ReturnType<typeof inputs>, rows: number, isLayer: boolean, r: Round) {
  const N = weight.length;
  const result = { out: [] as number[], mean: [] as number[], rstd: [] as number[], dx: [] as number[] };
  const dWeight = weight.map(() => 0);
  const dBias = weight.map(() => 0);
  const noBias = weight.map(() => 0);
  for (let row = 0; row < rows; row++) {
    const own = x.slice(row * N, (row + 1) * N);
    const { out, mean, rstd } = normRow(own, weight, isLayer ? bias : noBias, isLayer, EPS, r);
    const back = normRowBackward(own, weight, dOut.slice(row * N, (row + 1) * N), isLayer, mean, rstd, r);
    result.out.push(...out);
    result.mean.push(mean);
    result.rstd.push(rstd);
    result.dx.push(...back.dx);
    back.dWeight.forEach((value, i) => {
      dWeight[i] = r(dWeight[i] + value);
      dBias[i] = r(dBias[i] + back.dBias[i]);
    });
  }
  return { ...result, dWeight, dBias };
}

async function check(kind: 'rms' | 'layer', rows: number, N: number, dtype: 'f32' | 'f16'): Promise<void> {
  const isLayer = kind === 'layer';
  const given = inputs(rows, N, dtype);
  const truth = reference(given, rows, isLayer, exact);
  const naive = reference(given, rows, isLayer, ROUNDS[dtype]);
  const none = isLayer ? 0 : null;
  const stats = { mean: none, rstd: 0 };
  const device = (values: readonly number[]) => deviceArray(values, dtype);
  const { x, weight, bias, dOut } = given;
  const plan = planNorm(
    { kind, dtype, rows, N, eps: EPS, offsets: { ...stats, x: 0, weight: 0, bias: none, out: 0 } },
    gpu.capabilities,
  );
  const operands = { x: device(x), weight: device(weight), bias: device(bias), out: device(x.map(() => 0)) };
  const statistics = { mean: new Float32Array(rows), rstd: new Float32Array(rows) };
  const forward = await runPlan(gpu.device, plan, { ...operands, ...statistics });
  expectClose(hostNumbers(forward.out), truth.out, naive.out, dtype);
  expectClose(hostNumbers(forward.rstd), truth.rstd, naive.rstd);

  const gradients = { dOut: 0, dx: 0, dWeight: 0, dBias: none };
  const backwardPlan = planNormBackward(
    { kind, dtype, rows, N, offsets: { ...stats, x: 0, weight: 0, ...gradients } },
    gpu.capabilities,
  );
  const zeros = {
    dx: device(x.map(() => 0)),
    dWeight: device(weight.map(() => 0)),
    dBias: device(weight.map(() => 0)),
  };
  const given32 = { mean: Float32Array.from(truth.mean), rstd: Float32Array.from(truth.rstd) };
  const all = { x: operands.x, weight: operands.weight, ...given32, dOut: device(dOut), ...zeros };
  const backward = await runPlan(gpu.device, backwardPlan, all);
  expect((await runPlan(gpu.device, backwardPlan, all)).dWeight).toEqual(backward.dWeight);
  expectClose(hostNumbers(backward.dx), truth.dx, naive.dx, dtype);
  expectClose(hostNumbers(backward.dWeight), truth.dWeight, naive.dWeight, dtype);
  if (isLayer) expectClose(hostNumbers(backward.dBias), truth.dBias, naive.dBias, dtype);
}

/** Gradients added to what is there: that of x in its dtype, those of the parameters in f32, side by side or apart. */
async function checkSums(
  kind: 'rms' | 'layer',
  rows: number,
  N: number,
  dtype: 'f32' | 'f16',
  isJoint: boolean,
): Promise<void> {
  const isLayer = kind === 'layer';
  const given = inputs(rows, N, dtype);
  const before = Array.from(randomArray(rows * N, 5), ROUNDS[dtype]);
  const sums = Array.from(randomArray(2 * N, 6), Math.fround);
  const added = (r: Round) => {
    const { dx, dWeight, dBias } = reference(given, rows, isLayer, r);
    const both = [...dWeight, ...dBias].map((value, i) => r(value + sums[i]));
    return { dx: dx.map((value, i) => r(value + before[i])), dWeight: both.slice(0, N), dBias: both.slice(N) };
  };
  const [truth, naive] = [added(exact), added(ROUNDS[dtype])];
  const { mean, rstd } = reference(given, rows, isLayer, exact);
  const offsets = { x: 0, weight: 0, mean: isLayer ? 0 : null, rstd: 0, dOut: 0, dx: 0, dWeight: 0 };
  const sum = { dtype: 'f32', accumulate: true } as const;
  const problem = { kind, dtype, rows, N, weightGradient: sum, biasGradient: sum, isJoint, accumulate: true };
  const dBias = isLayer && !isJoint ? 0 : null;
  const plan = planNormBackward({ ...problem, offsets: { ...offsets, dBias } }, gpu.capabilities);
  const isJoined = N % 4 === 0;
  expect(plan.passes.length).toBe((isJoined ? 2 : 3) + (dBias === null ? 0 : 1));
  const device = (values: readonly number[]) => deviceArray(values, dtype);
  const operands = {
    x: device(given.x),
    weight: device(given.weight),
    dOut: device(given.dOut),
    dx: device(before),
    mean: Float32Array.from(mean),
    rstd: Float32Array.from(rstd),
    dWeight: Float32Array.from(isJoint ? sums : sums.slice(0, N)),
    dBias: Float32Array.from(sums.slice(N)),
  };
  const result = await runPlan(gpu.device, plan, operands);
  const again = await runPlan(gpu.device, plan, operands);
  expect([again.dx, again.dWeight, again.dBias]).toEqual([result.dx, result.dWeight, result.dBias]);
  expectClose(hostNumbers(result.dx), truth.dx, naive.dx, dtype);
  expectClose(hostNumbers(result.dWeight).slice(0, N), truth.dWeight, naive.dWeight);
  if (!isLayer) return;
  const sumsOfBias = hostNumbers(isJoint ? result.dWeight : result.dBias).slice(isJoint ? N : 0);
  expectClose(sumsOfBias, truth.dBias, naive.dBias);
}

describe.each(['rms', 'layer'] as const)('%s norm', (kind) => {
  it.each([
    [1, 1],
    [5, 37],
    [131, 64],
    [127, 68],
    [260, 132],
    [1024, 12],
    [1025, 12],
    [3, 515],
    [2, 2052],
  ])('of [%i, %i] equals f64 with its gradients [webgpu]', async (rows, N) => {
    for (const dtype of dtypesOf(gpu)) await check(kind, rows, N, dtype);
  });

  it.each([
    [1, 1],
    [5, 37],
    [131, 64],
    [1025, 12],
    [2, 2052],
  ])('of [%i, %i] adds its gradients to what is there [webgpu]', async (rows, N) => {
    for (const dtype of dtypesOf(gpu)) {
      for (const isJoint of kind === 'layer' ? [false, true] : [false]) await checkSums(kind, rows, N, dtype, isJoint);
    }
  });

  it.each([37, 64])('of x + residual stores the sum too, N=%i [webgpu]', async (N) => {
    const { x, weight, bias, dOut: residual } = inputs(5, N, 'f32');
    const none = kind === 'layer' ? 0 : null;
    const own = { kind, dtype: 'f32' as const, rows: 5, N, eps: EPS };
    const offsets = { x: 0, weight: 0, bias: none, out: 0, mean: none, rstd: 0 };
    const f32 = (values: ArrayLike<number>) => Float32Array.from(values);
    const blank = () => ({ out: f32(x.map(() => 0)), mean: new Float32Array(5), rstd: new Float32Array(5) });
    const given = { weight: f32(weight), bias: f32(bias) };
    const added = f32(x.map((value, i) => value + residual[i]));
    const fused = planNorm({ ...own, offsets: { ...offsets, residual: 0, sum: 0 } }, gpu.capabilities);
    const operands = { ...given, x: f32(x), residual: f32(residual), sum: f32(x.map(() => 0)), ...blank() };
    const once = await runPlan(gpu.device, fused, operands);
    const twice = await runPlan(gpu.device, planNorm({ ...own, offsets }, gpu.capabilities), {
      ...given,
      x: added,
      ...blank(),
    });
    expect(once.sum).toEqual(added);
    expect(once.out).toEqual(twice.out);
    expect(once.rstd).toEqual(twice.rstd);
  });

  it('has a weight gradient of 0 without rows [webgpu]', async () => {
    const offsets = {
      x: 0,
      weight: 0,
      mean: kind === 'layer' ? 0 : null,
      rstd: 0,
      dOut: 0,
      dx: 0,
      dWeight: 0,
      dBias: null,
    };
    const plan = planNormBackward({ kind, dtype: 'f32', rows: 0, N: 3, offsets }, gpu.capabilities);
    const none = () => new Float32Array(1);
    const operands = { x: none(), weight: none(), mean: none(), rstd: none(), dOut: none(), dx: none() };
    const { dWeight } = await runPlan(gpu.device, plan, { ...operands, dWeight: Float32Array.of(7, 7, 7) });
    expect(Array.from(dWeight)).toEqual([0, 0, 0]);
  });
});
