import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypesOf, openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, exact, expectClose, hostNumbers, ROUNDS, type Round } from '../../test/expect-close.ts';
import { randomArray } from '../testing/random.ts';
import { type OperandArray, runPlan } from '../testing/run-plan.ts';
import { planMix } from './mix.ts';
import { planMixWeights } from './mix-weights.ts';
import { attendSources, mixToken, mixTokenWeights, sinkhornMatrix } from './mixture-reference.ts';
import { planSinkhorn } from './sinkhorn.ts';
import { planSourceAttention, planSourceAttentionBackward } from './source-attention.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

type DType = 'f32' | 'f16';

const numbers = (size: number, seed: number, dtype: DType): number[] =>
  Array.from(randomArray(size, seed), (value) => ROUNDS[dtype](value + 0.125));

/** Rows of `counts[i]` sources or results in operand i, one behind the other for each token: `[tokens, counts[i], C]`. */
function operandsOf(prefix: string, counts: readonly number[], tokens: number, C: number, seed: number, dtype: DType) {
  const values = counts.map((count, i) => numbers(tokens * count * C, seed + i, dtype));
  const rows = counts.flatMap((count, i) =>
    Array.from({ length: count }, (_, k) => ({ buffer: `${prefix}${i}`, start: k * C, stride: count * C })),
  );
  const tokenRows = Array.from({ length: tokens }, (_, t) =>
    rows.map(({ buffer, start, stride }) => {
      const own = values[Number(buffer.slice(prefix.length))]!;
      return own.slice(start + t * stride, start + t * stride + C);
    }),
  );
  const token = (t: number): number[][] => tokenRows[t]!;
  const operands = Object.fromEntries(values.map((own, i) => [`${prefix}${i}`, deviceArray(own, dtype)]));
  return { rows, token, operands };
}

/** What a plan left in rows, of all tokens. */
function rowsIn(
  result: Readonly<Record<string, OperandArray>>,
  rows: readonly { buffer: string; start: number; stride: number }[],
  tokens: number,
  C: number,
): number[] {
  const found = new Map(Object.entries(result).map(([name, data]) => [name, hostNumbers(data)]));
  return Array.from({ length: tokens }, (_, t) =>
    rows.flatMap(({ buffer, start, stride }) => found.get(buffer)!.slice(start + t * stride, start + t * stride + C)),
  ).flat();
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const ones = (count: number): number[] => new Array<number>(count).fill(1);

const MIXTURES: readonly [sources: number[], outs: number[], tokens: number, C: number][] = [
  [[1], [1], 1, 1],
  [ones(11), [1, 1, 1, 1], 5, 12],
  [[4, 1], [4], 7, 20],
  [[9], [10, 1], 3, 4],
  [[2, 1], [1, 2], 41, 132],
];

describe.each(MIXTURES)('a mixture of %j to %j [tokens=%i C=%i]', (sources, outs, tokens, C) => {
  const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
  const [N, K] = [total(sources), total(outs)];

  it.each([false, true])('equals f64, shared weights: %s [webgpu]', async (isShared) => {
    for (const dtype of dtypesOf(gpu)) {
      const x = operandsOf('x', sources, tokens, C, 1, dtype);
      const out = operandsOf('out', outs, tokens, C, 20, dtype);
      const weights = numbers((isShared ? 1 : tokens) * K * N, 40, dtype);
      const strides = { start: 0, token: isShared ? 0 : K * N, out: N, source: 1 };
      const own = (t: number) =>
        upTo(K).map((k) => weights.slice(strides.token * t + k * N, strides.token * t + k * N + N));
      const expected = (isAdded: boolean, r: Round) =>
        upTo(tokens).flatMap((t) =>
          mixToken(own(t), x.token(t), r).flatMap((row, k) =>
            row.map((value, c) => (isAdded ? r(value + out.token(t)[k]![c]!) : value)),
          ),
        );
      for (const accumulate of [false, true]) {
        const plan = planMix(
          {
            dtype,
            tokens,
            C,
            weights: { dtype, ...strides },
            sources: x.rows,
            outs: out.rows.map((row) => ({ ...row, accumulate })),
          },
          gpu.capabilities,
        );
        const operands = { ...x.operands, ...out.operands, weights: deviceArray(weights, dtype) };
        const result = await runPlan(gpu.device, plan, operands);
        const found = rowsIn(result, out.rows, tokens, C);
        expectClose(found, expected(accumulate, exact), expected(accumulate, ROUNDS[dtype]), dtype);
      }
      const products = (r: Round) => {
        const each = upTo(tokens).map((t) => mixTokenWeights(out.token(t), x.token(t), r).flat());
        return isShared ? each.reduce((sum, one) => sum.map((value, i) => r(value + one[i]!))) : each.flat();
      };
      for (const stored of isShared ? (['f32', dtype] as const) : [dtype]) {
        const plan = planMixWeights(
          {
            dtype,
            tokens,
            C,
            weights: { dtype: stored, ...strides },
            shared: isShared ? { accumulate: false } : null,
            sources: x.rows,
            gradients: out.rows,
          },
          gpu.capabilities,
        );
        const operands = { ...x.operands, ...out.operands, dWeights: deviceArray(weights, stored) };
        const { dWeights } = await runPlan(gpu.device, plan, operands);
        expectClose(hostNumbers(dWeights), products(exact), products(ROUNDS[dtype]), stored);
        expect((await runPlan(gpu.device, plan, operands)).dWeights).toEqual(dWeights);
      }
    }
  });
});

describe('attention over sources', () => {
  it.each([
    [1, 1, 1],
    [5, 9, 260],
    [3, 2, 519],
  ])('of %i equals f64 with its gradients [tokens=%i C=%i, webgpu]', async (n, tokens, C) => {
    const eps = 1e-5;
    for (const dtype of dtypesOf(gpu)) {
      const x = operandsOf('x', ones(n), tokens, C, 1, dtype);
      const dx = operandsOf('dx', ones(n), tokens, C, 30, dtype);
      const query = numbers(C, 60, dtype);
      const dOut = numbers(tokens * C, 61, dtype);
      const before = numbers(C, 62, 'f32');
      const isAdded = (j: number): boolean => j % 3 === 1;
      const expected = (r: Round) => {
        const each = upTo(tokens).map((t) => attendSources(query, x.token(t), dOut.slice(t * C, t * C + C), eps, r));
        return {
          out: each.flatMap(({ out }) => out),
          lse: each.map(({ lse }) => lse),
          dx: each.flatMap((own, t) =>
            own.dx.flatMap((row, j) => row.map((value, c) => (isAdded(j) ? r(value + dx.token(t)[j]![c]!) : value))),
          ),
          dQuery: each.reduce((sum, own) => sum.map((value, c) => r(value + own.dQuery[c]!)), before),
        };
      };
      const [truth, naive] = [expected(exact), expected(ROUNDS[dtype])];
      const problem = { dtype, tokens, C, eps, sources: upTo(n).map(() => 0), query: 0, out: 0, stats: 0 };
      const given = { ...x.operands, query: deviceArray(query, dtype) };
      const blank = { out: deviceArray(dOut, dtype), stats: new Float32Array(2 * tokens) };
      const forward = await runPlan(gpu.device, planSourceAttention(problem, gpu.capabilities), { ...given, ...blank });
      expectClose(hostNumbers(forward.out), truth.out, naive.out, dtype);
      expectClose(hostNumbers(forward.stats).slice(0, tokens), truth.lse, naive.lse);
      const plan = planSourceAttentionBackward(
        {
          ...problem,
          dOut: 0,
          gradients: upTo(n).map((j) => ({ start: 0, accumulate: isAdded(j) })),
          dQuery: { dtype: 'f32', start: 0, accumulate: true },
        },
        gpu.capabilities,
      );
      const operands = {
        ...given,
        out: forward.out,
        stats: forward.stats,
        dOut: deviceArray(dOut, dtype),
        ...dx.operands,
        dQuery: Float32Array.from(before),
      };
      const back = await runPlan(gpu.device, plan, operands);
      expectClose(rowsIn(back, dx.rows, tokens, C), truth.dx, naive.dx, dtype);
      expectClose(hostNumbers(back.dQuery), truth.dQuery, naive.dQuery);
      expect((await runPlan(gpu.device, plan, operands)).dQuery).toEqual(back.dQuery);
    }
  });
});

describe('sinkhorn', () => {
  it.each([
    [1, 3],
    [4, 65],
  ])('of matrices of %i rows equals f64 with its gradient [matrices=%i, webgpu]', async (rows, matrices) => {
    for (const dtype of dtypesOf(gpu)) {
      const size = rows * rows;
      const logits = numbers(matrices * size, 1, dtype).map((value) => ROUNDS[dtype](2 * value));
      const dOut = numbers(matrices * size, 2, dtype);
      const problem = { dtype, matrices, rows, iterations: 20 };
      const expected = (r: Round) =>
        upTo(matrices).map((i) => {
          const [first, end] = [i * size, (i + 1) * size];
          return sinkhornMatrix(logits.slice(first, end), dOut.slice(first, end), 20, r);
        });
      const [truth, naive] = [expected(exact), expected(ROUNDS[dtype])];
      for (const [name, place] of [
        ['out', null],
        ['dLogits', 0],
      ] as const) {
        const plan = planSinkhorn({ ...problem, offsets: { logits: 0, dOut: place, out: 0 } }, gpu.capabilities);
        const [given, gradient] = [deviceArray(logits, dtype), deviceArray(dOut, dtype)];
        const { out } = await runPlan(gpu.device, plan, { logits: given, dOut: gradient, out: gradient });
        const all = (each: typeof truth) => each.flatMap((matrix) => matrix[name]);
        expectClose(hostNumbers(out), all(truth), all(naive), dtype);
      }
    }
  });
});
