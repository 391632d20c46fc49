// Softmax and cross-entropy over rows.
import { exp4, expNonPositive4, log4, splat, sumLanes } from './simd-math';
import { rowDot, rowMax, rowSum } from './rows';

@unmanaged
class SoftmaxArguments {
  /** Forward: x. Backward: y. */
  x: usize;
  /** Backward: dy. */
  dy: usize;
  out: usize;
  rows: i32;
  n: i32;
  rowsPerTile: i32;
  isLog: i32;
}

// @ts-ignore: decorator
@inline function exp1(x: f32): f32 { return f32x4.extract_lane(exp4(splat(x)), 0); }

// @ts-ignore: decorator
@inline export function log1(x: f32): f32 { return f32x4.extract_lane(log4(splat(x)), 0); }

/** out = e^(x - shift), returns the sum; `out` may be 0 to sum only. */
export function rowExp(x: usize, shift: f32, out: usize, n: i32): f32 {
  const s = splat(shift);
  let sums = splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const e = expNonPositive4(f32x4.sub(v128.load(x + (i << 2)), s));
    sums = f32x4.add(sums, e);
    if (out != 0) v128.store(out + (i << 2), e);
  }
  let sum = sumLanes(sums);
  for (; i < n; i++) {
    const e = exp1(load<f32>(x + (i << 2)) - shift);
    sum += e;
    if (out != 0) store<f32>(out + (i << 2), e);
  }
  return sum;
}

/** out = x * scale + shift. */
function rowAffine(x: usize, scale: f32, shift: f32, out: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) v128.store(out + (i << 2), f32x4.add(f32x4.mul(v128.load(x + (i << 2)), splat(scale)), splat(shift)));
  for (; i < n; i++) store<f32>(out + (i << 2), load<f32>(x + (i << 2)) * scale + shift);
}

export function softmax(args: usize, tile: i32): void {
  const a = changetype<SoftmaxArguments>(args);
  const last = min(a.rows, (tile + 1) * a.rowsPerTile);
  for (let row = tile * a.rowsPerTile; row < last; row++) {
    const x = a.x + ((row * a.n) << 2), out = a.out + ((row * a.n) << 2);
    const largest = rowMax(x, a.n);
    if (largest == -Infinity) {
      for (let i = 0; i < a.n; i++) store<f32>(out + (i << 2), a.isLog != 0 ? -Infinity : 0);
    } else if (a.isLog != 0) {
      const logSum = log1(rowExp(x, largest, 0, a.n));
      // Two steps: a large maximum would swallow the logarithm.
      rowAffine(x, 1, -largest, out, a.n);
      rowAffine(out, 1, -logSum, out, a.n);
    } else {
      const sum = rowExp(x, largest, out, a.n);
      rowAffine(out, <f32>1 / sum, 0, out, a.n);
    }
  }
}

export function softmaxBackward(args: usize, tile: i32): void {
  const a = changetype<SoftmaxArguments>(args);
  const last = min(a.rows, (tile + 1) * a.rowsPerTile);
  for (let row = tile * a.rowsPerTile; row < last; row++) {
    const at = (row * a.n) << 2;
    const y = a.x + at, dy = a.dy + at, dx = a.out + at;
    const total = a.isLog != 0 ? rowSum(dy, a.n) : rowDot(y, dy, a.n);
    const t = splat(total);
    let i = 0;
    for (; i + 4 <= a.n; i += 4) {
      const p = v128.load(y + (i << 2)), g = v128.load(dy + (i << 2));
      v128.store(dx + (i << 2), a.isLog != 0 ? f32x4.sub(g, f32x4.mul(exp4(p), t)) : f32x4.mul(p, f32x4.sub(g, t)));
    }
    for (; i < a.n; i++) {
      const p = load<f32>(y + (i << 2)), g = load<f32>(dy + (i << 2));
      store<f32>(dx + (i << 2), a.isLog != 0 ? g - exp1(p) * total : p * (g - total));
    }
  }
}

@unmanaged
class CrossEntropyArguments {
  logits: usize;
  targets: usize;
  loss: usize;
  /** f32 [rows, 2]: the largest logit, and the logarithm of the sum of exponentials relative to it. */
  lse: usize;
  dLogits: usize;
  rows: i32;
  n: i32;
  rowsPerTile: i32;
  ignoreIndex: i32;
  zLoss: f32;
}

export function crossEntropy(args: usize, tile: i32): void {
  const a = changetype<CrossEntropyArguments>(args);
  const last = min(a.rows, (tile + 1) * a.rowsPerTile);
  for (let row = tile * a.rowsPerTile; row < last; row++) {
    const x = a.logits + ((row * a.n) << 2);
    const largest = rowMax(x, a.n);
    const logSum: f32 = largest == -Infinity ? 0 : log1(rowExp(x, largest, 0, a.n));
    store<f32>(a.lse + (row << 3), largest);
    store<f32>(a.lse + (row << 3), logSum, 4);
    const target = load<i32>(a.targets + (row << 2));
    let loss: f32 = 0;
    if (target != a.ignoreIndex) {
      const logit: f32 = target >= 0 && target < a.n ? load<f32>(x + (target << 2)) : NaN;
      // Relative to the largest logit, beside which the difference would lose its digits.
      loss = logSum - (logit - largest);
      const lse = largest + logSum;
      if (a.zLoss != 0) loss += a.zLoss * lse * lse;
    }
    store<f32>(a.loss + (row << 2), loss);
  }
}

/** Here `loss` holds dLoss. */
export function crossEntropyBackward(args: usize, tile: i32): void {
  const a = changetype<CrossEntropyArguments>(args);
  const last = min(a.rows, (tile + 1) * a.rowsPerTile);
  for (let row = tile * a.rowsPerTile; row < last; row++) {
    const x = a.logits + ((row * a.n) << 2), dx = a.dLogits + ((row * a.n) << 2);
    const target = load<i32>(a.targets + (row << 2));
    if (target == a.ignoreIndex) {
      memory.fill(dx, 0, a.n << 2);
      continue;
    }
    const largest = load<f32>(a.lse + (row << 3)), logSum = load<f32>(a.lse + (row << 3), 4);
    const dLoss = load<f32>(a.loss + (row << 2));
    const factor: f32 = a.zLoss == 0 ? dLoss : dLoss * (<f32>1 + <f32>2 * a.zLoss * (largest + logSum));
    const top = splat(largest), rest = splat(logSum);
    let i = 0;
    for (; i + 4 <= a.n; i += 4) {
      v128.store(dx + (i << 2), f32x4.mul(expNonPositive4(f32x4.sub(f32x4.sub(v128.load(x + (i << 2)), top), rest)), splat(factor)));
    }
    for (; i < a.n; i++) store<f32>(dx + (i << 2), exp1(load<f32>(x + (i << 2)) - largest - logSum) * factor);
    if (target >= 0 && target < a.n) store<f32>(dx + (target << 2), load<f32>(dx + (target << 2)) - dLoss);
  }
}
