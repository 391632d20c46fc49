import { describe, expect, it } from 'vitest';
import { expectAccurate, onEveryThreadCount, place, room, take, wave } from '../../test/test-runtime.ts';
import {
  crossEntropyBackwardReference,
  crossEntropyReference,
  exact,
  layerNormBackwardReference,
  layerNormReference,
  type Round,
  rmsNormBackwardReference,
  rmsNormReference,
  softmaxBackwardReference,
  softmaxReference,
  toF32,
} from '../reference/index.ts';
import { norm, normBackward } from './norm.ts';
import { crossEntropy, crossEntropyBackward, softmax, softmaxBackward } from './softmax.ts';

/** Rows and columns: one row, ragged vectors, several tiles of rows. */
const sizes = [
  [1, 3],
  [3, 5],
  [67, 129],
  [9, 4099],
];

function check(results: readonly Float64Array[], reference: (round: Round) => Float64Array[]): void {
  const [truth, naive] = [reference(exact), reference(toF32)];
  results.forEach((result, i) => {
    expectAccurate(result, truth[i], naive[i]);
  });
}

describe('softmax', () => {
  for (const [rows, n] of sizes) {
    for (const isLog of [false, true]) {
      it(`${isLog ? 'log ' : ''}and its gradient equal f64 [${rows}, ${n}] [cpu]`, async () => {
        const [x, dy] = [wave(rows * n).map((value) => Math.fround(9 * value)), wave(rows * n, 3)];
        const results = await onEveryThreadCount((runtime) => {
          const [y, dx] = [room(runtime, [rows, n]), room(runtime, [rows, n])];
          softmax(runtime, place(runtime, x, [rows, n]), y, isLog);
          softmaxBackward(runtime, y, place(runtime, dy, [rows, n]), dx, isLog);
          return [take(runtime, y), take(runtime, dx)];
        });
        check(results, (round) => {
          const y = softmaxReference(x, n, isLog, round);
          return [y, softmaxBackwardReference(y, dy, n, isLog, round)];
        });
      });
    }
  }

  it('gives 0 for a row of -Inf and does not overflow for large logits [cpu]', async () => {
    const [out] = await onEveryThreadCount((runtime) => {
      const y = room(runtime, [2, 3]);
      softmax(runtime, place(runtime, [-Infinity, -Infinity, -Infinity, 3e38, 3e38, -3e38], [2, 3]), y, false);
      return [take(runtime, y)];
    });
    expect([...out]).toEqual([0, 0, 0, 0.5, 0.5, 0]);
  });
});

describe('cross-entropy', () => {
  for (const [rows, n] of sizes) {
    it(`and its gradient equal f64, with ignored rows and zLoss [${rows}, ${n}] [cpu]`, async () => {
      const options = { V: n, ignoreIndex: -100, zLoss: 0.01 };
      const [logits, dLoss] = [wave(rows * n).map((value) => Math.fround(5 * value)), wave(rows, 3)];
      const targets = Float64Array.from({ length: rows }, (_, i) => (i % 5 === 2 ? -100 : (i * 31) % n));
      const results = await onEveryThreadCount((runtime) => {
        const x = place(runtime, logits, [rows, n]);
        const ids = place(runtime, targets, [rows], 'i32');
        const [loss, lse] = [room(runtime, [rows]), room(runtime, [rows, 2])];
        crossEntropy(runtime, x, ids, loss, lse, options);
        // The gradient may overwrite the logits.
        crossEntropyBackward(runtime, x, ids, lse, place(runtime, dLoss, [rows]), x, options);
        return [take(runtime, loss), take(runtime, lse), take(runtime, x)];
      });
      check(results, (round) => {
        const { loss, lse } = crossEntropyReference(logits, targets, options, round);
        return [loss, lse, crossEntropyBackwardReference(logits, targets, lse, dLoss, options, round)];
      });
    });
  }

  it('gives NaN for a target that is no class [cpu]', async () => {
    const [loss] = await onEveryThreadCount((runtime) => {
      const out = room(runtime, [2]);
      const targets = place(runtime, [3, -1], [2], 'i32');
      crossEntropy(runtime, place(runtime, wave(6), [2, 3]), targets, out, room(runtime, [2, 2]), {
        ignoreIndex: -100,
        zLoss: 0,
      });
      return [take(runtime, out)];
    });
    expect([...loss]).toEqual([NaN, NaN]);
  });
});

describe('norms', () => {
  for (const [rows, n] of sizes) {
    for (const hasWeight of [true, false]) {
      const name = `[${rows}, ${n}]${hasWeight ? '' : ' without weight'} [cpu]`;
      const [x, weight, bias, dOut] = [wave(rows * n), wave(n, 2), wave(n, 3), wave(rows * n, 4)];

      it(`rmsNorm and its gradients equal f64 ${name}`, async () => {
        const results = await onEveryThreadCount((runtime) => {
          const w = hasWeight ? place(runtime, weight, [n]) : null;
          const operands = { x: place(runtime, x, [rows, n]), weight: w, rstd: room(runtime, [rows]) };
          const [out, dx, dWeight] = [room(runtime, [rows, n]), room(runtime, [rows, n]), w && room(runtime, [n])];
          norm(runtime, operands, 1e-5, out);
          normBackward(runtime, operands, { dOut: place(runtime, dOut, [rows, n]), dx, dWeight });
          return [out, operands.rstd, dx, ...(dWeight ? [dWeight] : [])].map((array) => take(runtime, array));
        });
        check(results, (round) => {
          const w = hasWeight ? weight : null;
          const { out, rstd } = rmsNormReference(x, w, n, 1e-5, round);
          const { dx, dWeight } = rmsNormBackwardReference(x, w, rstd, dOut, n, round);
          return [out, rstd, dx, dWeight];
        });
      });

      it(`layerNorm and its gradients equal f64 ${name}`, async () => {
        const results = await onEveryThreadCount((runtime) => {
          const [w, b] = hasWeight ? [place(runtime, weight, [n]), place(runtime, bias, [n])] : [null, null];
          const statistics = { mean: room(runtime, [rows]), rstd: room(runtime, [rows]) };
          const operands = { x: place(runtime, x, [rows, n]), weight: w, bias: b, ...statistics };
          const [out, dx] = [room(runtime, [rows, n]), room(runtime, [rows, n])];
          const [dWeight, dBias] = [w && room(runtime, [n]), b && room(runtime, [n])];
          norm(runtime, operands, 1e-5, out);
          normBackward(runtime, operands, { dOut: place(runtime, dOut, [rows, n]), dx, dWeight, dBias });
          return [out, dx, ...(dWeight && dBias ? [dWeight, dBias] : [])].map((array) => take(runtime, array));
        });
        check(results, (round) => {
          const w = hasWeight ? weight : null;
          const { out, mean, rstd } = layerNormReference(x, w, hasWeight ? bias : null, n, 1e-5, round);
          const { dx, dWeight, dBias } = layerNormBackwardReference(x, w, { mean, rstd }, dOut, n, round);
          return [out, dx, dWeight, dBias];
        });
      });
    }
  }
});
