// Loops over one contiguous f32 row that several kernels share.
import { multiplyAdd, splat, sumLanes } from './simd-math';

export function rowMax(x: usize, n: i32): f32 {
  let m = splat(-Infinity);
  let i = 0;
  for (; i + 4 <= n; i += 4) m = f32x4.max(m, v128.load(x + (i << 2)));
  let result = max<f32>(
    max<f32>(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)), max<f32>(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  );
  for (; i < n; i++) result = max<f32>(result, load<f32>(x + (i << 2)));
  return result;
}

/** Whether n contiguous f32 hold neither NaN nor an infinity. */
export function areFinite(x: usize, n: i32): bool {
  const zero = splat(0);
  let s0 = zero, s1 = zero;
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    s0 = multiplyAdd(v128.load(x + (i << 2)), zero, s0);
    s1 = multiplyAdd(v128.load(x + (i << 2), 16), zero, s1);
  }
  let sum = sumLanes(f32x4.add(s0, s1));
  for (; i < n; i++) sum += load<f32>(x + (i << 2)) * 0;
  return sum == 0;
}

export function rowSum(x: usize, n: i32): f32 {
  let s0 = splat(0), s1 = splat(0);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    s0 = f32x4.add(s0, v128.load(x + (i << 2)));
    s1 = f32x4.add(s1, v128.load(x + (i << 2), 16));
  }
  let sum = sumLanes(f32x4.add(s0, s1));
  for (; i < n; i++) sum += load<f32>(x + (i << 2));
  return sum;
}

/** sum (x - center)^2. */
export function rowSquares(x: usize, n: i32, center: f32): f32 {
  const c = splat(center);
  let s0 = splat(0), s1 = splat(0);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const a = f32x4.sub(v128.load(x + (i << 2)), c), b = f32x4.sub(v128.load(x + (i << 2), 16), c);
    s0 = multiplyAdd(a, a, s0);
    s1 = multiplyAdd(b, b, s1);
  }
  let sum = sumLanes(f32x4.add(s0, s1));
  for (; i < n; i++) {
    const a = load<f32>(x + (i << 2)) - center;
    sum += a * a;
  }
  return sum;
}

/** Sum of x * y, to be inlined where a call would cost as much as the row. */
// @ts-ignore: decorator
@inline export function shortDot(x: usize, y: usize, n: i32): f32 {
  let s0 = splat(0), s1 = splat(0);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    s0 = multiplyAdd(v128.load(x + (i << 2)), v128.load(y + (i << 2)), s0);
    s1 = multiplyAdd(v128.load(x + (i << 2), 16), v128.load(y + (i << 2), 16), s1);
  }
  let sum = sumLanes(f32x4.add(s0, s1));
  for (; i < n; i++) sum += load<f32>(x + (i << 2)) * load<f32>(y + (i << 2));
  return sum;
}

export function rowDot(x: usize, y: usize, n: i32): f32 { return shortDot(x, y, n); }

/** y += factor * x. */
export function rowAddScaled(y: usize, x: usize, factor: f32, n: i32): void {
  const f = splat(factor);
  let i = 0;
  for (; i + 4 <= n; i += 4) v128.store(y + (i << 2), multiplyAdd(f, v128.load(x + (i << 2)), v128.load(y + (i << 2))));
  for (; i < n; i++) store<f32>(y + (i << 2), load<f32>(y + (i << 2)) + factor * load<f32>(x + (i << 2)));
}
