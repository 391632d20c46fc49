// Products with a panel: 8 vectors that lie beside each other, [n][8]. Both products of attention have this form, with either
// queries or keys in the lanes, so that softmax works on whole vectors and nothing is transposed in between.
import { multiplyAdd, splat, storeTransposed } from './simd-math';

/**
 * out[row][8] = sum over t < n of a[row][t] * panel[t][8] for `rows` rows, `rowStep` bytes apart, contiguous along t.
 */
export function dotRows(a: usize, rowStep: usize, rows: i32, panel: usize, n: i32, out: usize): void {
  let row = 0;
  for (; row + 4 <= rows; row += 4, a += rowStep << 2, out += 128) {
    let a00 = splat(0), a01 = splat(0), a10 = splat(0), a11 = splat(0), a20 = splat(0), a21 = splat(0), a30 = splat(0), a31 = splat(0);
    let x0 = a, x1 = a + rowStep, x2 = x1 + rowStep, x3 = x2 + rowStep;
    for (let p = panel, end = panel + (n << 5); p < end; p += 32) {
      const low = v128.load(p), high = v128.load(p, 16);
      let x = v128.load32_splat(x0);
      a00 = multiplyAdd(x, low, a00);
      a01 = multiplyAdd(x, high, a01);
      x = v128.load32_splat(x1);
      a10 = multiplyAdd(x, low, a10);
      a11 = multiplyAdd(x, high, a11);
      x = v128.load32_splat(x2);
      a20 = multiplyAdd(x, low, a20);
      a21 = multiplyAdd(x, high, a21);
      x = v128.load32_splat(x3);
      a30 = multiplyAdd(x, low, a30);
      a31 = multiplyAdd(x, high, a31);
      x0 += 4;
      x1 += 4;
      x2 += 4;
      x3 += 4;
    }
    v128.store(out, a00);
    v128.store(out, a01, 16);
    v128.store(out, a10, 32);
    v128.store(out, a11, 48);
    v128.store(out, a20, 64);
    v128.store(out, a21, 80);
    v128.store(out, a30, 96);
    v128.store(out, a31, 112);
  }
  for (; row < rows; row++, a += rowStep, out += 32) {
    let low = splat(0), high = splat(0);
    for (let t = 0; t < n; t++) {
      const x = v128.load32_splat(a + (t << 2));
      low = multiplyAdd(x, v128.load(panel + (t << 5)), low);
      high = multiplyAdd(x, v128.load(panel + (t << 5), 16), high);
    }
    v128.store(out, low);
    v128.store(out, high, 16);
  }
}

/**
 * out[column][8] += sum over t < n of a[t][column] * panel[t][8] for `columns` columns; rows of a are `step` bytes apart.
 */
export function addColumns(a: usize, step: usize, columns: i32, panel: usize, n: i32, out: usize): void {
  const end = panel + (n << 5);
  let column = 0;
  for (; column + 4 <= columns; column += 4, out += 128) {
    let a00 = v128.load(out), a01 = v128.load(out, 16), a10 = v128.load(out, 32), a11 = v128.load(out, 48);
    let a20 = v128.load(out, 64), a21 = v128.load(out, 80), a30 = v128.load(out, 96), a31 = v128.load(out, 112);
    for (let p = panel, from = a + (column << 2); p < end; p += 32, from += step) {
      const low = v128.load(p), high = v128.load(p, 16);
      let x = v128.load32_splat(from);
      a00 = multiplyAdd(x, low, a00);
      a01 = multiplyAdd(x, high, a01);
      x = v128.load32_splat(from, 4);
      a10 = multiplyAdd(x, low, a10);
      a11 = multiplyAdd(x, high, a11);
      x = v128.load32_splat(from, 8);
      a20 = multiplyAdd(x, low, a20);
      a21 = multiplyAdd(x, high, a21);
      x = v128.load32_splat(from, 12);
      a30 = multiplyAdd(x, low, a30);
      a31 = multiplyAdd(x, high, a31);
    }
    v128.store(out, a00);
    v128.store(out, a01, 16);
    v128.store(out, a10, 32);
    v128.store(out, a11, 48);
    v128.store(out, a20, 64);
    v128.store(out, a21, 80);
    v128.store(out, a30, 96);
    v128.store(out, a31, 112);
  }
  for (; column < columns; column++, out += 32) {
    let low = v128.load(out), high = v128.load(out, 16);
    for (let p = panel, from = a + (column << 2); p < end; p += 32, from += step) {
      const x = v128.load32_splat(from);
      low = multiplyAdd(x, v128.load(p), low);
      high = multiplyAdd(x, v128.load(p, 16), high);
    }
    v128.store(out, low);
    v128.store(out, high, 16);
  }
}

/**
 * `addColumns` where a row of a may hold NaN or infinities, which a weight of 0 would spread: lane l takes row t only when `ranges`
 * (i32 [8, 2]) of the lane hold `first + t`; with `isByRow`, when those of the row hold `first + l`.
 */
export function addSeenColumns(a: usize, columns: i32, panel: usize, n: i32, first: i32, ranges: usize, isByRow: bool, out: usize): void {
  for (let t = 0; t < n; t++) {
    for (let lane = 0; lane < 8; lane++) {
      const range = ranges + ((isByRow ? t : lane) << 3);
      const index = first + (isByRow ? lane : t);
      if (index < load<i32>(range) || index >= load<i32>(range, 4)) continue;
      const weight = load<f32>(panel + (t << 5) + (lane << 2));
      for (let column = 0; column < columns; column++) {
        const to = out + (column << 5) + (lane << 2);
        store<f32>(to, load<f32>(to) + weight * load<f32>(a + ((t * columns + column) << 2)));
      }
    }
  }
}

/** Four rows at element t, times a factor, as four columns of a panel. */
// @ts-ignore: decorator
@inline function packQuarter(from: usize, rowStep: usize, t: i32, factor: v128, to: usize): void {
  const at = from + (t << 2);
  storeTransposed(
    f32x4.mul(v128.load(at), factor), f32x4.mul(v128.load(at + rowStep), factor),
    f32x4.mul(v128.load(at + 2 * rowStep), factor), f32x4.mul(v128.load(at + 3 * rowStep), factor), to, 32,
  );
}

/** Packs `rows` (at most 8) rows of n elements, `rowStep` bytes apart, times `factor`, into a panel; missing rows are 0. */
export function packPanel(from: usize, rowStep: usize, rows: i32, n: i32, factor: f32, panel: usize): void {
  let t = 0;
  if (rows == 8) {
    for (; t + 4 <= n; t += 4) {
      packQuarter(from, rowStep, t, splat(factor), panel + (t << 5));
      packQuarter(from + 4 * rowStep, rowStep, t, splat(factor), panel + (t << 5) + 16);
    }
  }
  for (; t < n; t++) {
    const to = panel + (t << 5);
    for (let row = 0; row < rows; row++) store<f32>(to + (row << 2), load<f32>(from + row * rowStep + (t << 2)) * factor);
    for (let row = rows; row < 8; row++) store<f32>(to + (row << 2), 0);
  }
}

/** The reverse: rows = panel * factor[lane] (8 f32 at `factors`). */
export function unpackPanel(panel: usize, rows: i32, n: i32, factors: usize, to: usize, rowStep: usize): void {
  let done = 0;
  if (rows == 8) {
    const low = v128.load(factors), high = v128.load(factors, 16);
    for (; done + 4 <= n; done += 4) {
      const at = panel + (done << 5), out = to + (done << 2);
      storeTransposed(
        f32x4.mul(v128.load(at), low), f32x4.mul(v128.load(at, 32), low), f32x4.mul(v128.load(at, 64), low), f32x4.mul(v128.load(at, 96), low),
        out, rowStep,
      );
      storeTransposed(
        f32x4.mul(v128.load(at, 16), high), f32x4.mul(v128.load(at, 48), high), f32x4.mul(v128.load(at, 80), high), f32x4.mul(v128.load(at, 112), high),
        out + 4 * rowStep, rowStep,
      );
    }
  }
  for (let row = 0; row < rows; row++) {
    const factor = load<f32>(factors + (row << 2));
    for (let t = done; t < n; t++) store<f32>(to + row * rowStep + (t << 2), load<f32>(panel + (t << 5) + (row << 2)) * factor);
  }
}

/**
 * Copies rows of `width` elements, `rowStep` bytes apart, to lie directly behind each other. Rows of one head are a power of two apart in a
 * tensor and would fight for the same lines of the first-level cache.
 */
export function copyRows(from: usize, rowStep: usize, rows: i32, width: i32, to: usize): void {
  const bytes: usize = width << 2;
  for (let row = 0; row < rows; row++, from += rowStep, to += bytes) memory.copy(to, from, bytes);
}

/**
 * out[row][column] += sum over t < n of panels[t / 8][row][t % 8] * b[t][column]: panels hold `panelRows` rows of 8, rows of b are `width`
 * elements long and dense, rows of out `outStep` bytes apart.
 */
export function addPanelRows(panels: usize, panelRows: i32, rows: i32, n: i32, b: usize, width: i32, out: usize, outStep: usize): void {
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    let column = 0;
    for (; column + 8 <= width; column += 8) addPanelTile(panels + (row << 5), panelRows, n, b + (column << 2), width, out + row * outStep + (column << 2), outStep);
    if (column < width) for (let r = 0; r < 4; r++) addPanelRow(panels + ((row + r) << 5), panelRows, n, b, width, column, out + (row + r) * outStep);
  }
  for (; row < rows; row++) addPanelRow(panels + (row << 5), panelRows, n, b, width, 0, out + row * outStep);
}

// @ts-ignore: decorator
@inline function addPanelTile(panels: usize, panelRows: i32, n: i32, b: usize, width: i32, out: usize, outStep: usize): void {
  const out1 = out + outStep, out2 = out1 + outStep, out3 = out2 + outStep;
  let a00 = v128.load(out), a01 = v128.load(out, 16), a10 = v128.load(out1), a11 = v128.load(out1, 16);
  let a20 = v128.load(out2), a21 = v128.load(out2, 16), a30 = v128.load(out3), a31 = v128.load(out3, 16);
  const step: usize = width << 2;
  for (let t = 0; t < n; t += 8, panels += panelRows << 5) {
    for (let a = panels, end = panels + (min(8, n - t) << 2); a < end; a += 4, b += step) {
      const low = v128.load(b), high = v128.load(b, 16);
      let x = v128.load32_splat(a);
      a00 = multiplyAdd(x, low, a00);
      a01 = multiplyAdd(x, high, a01);
      x = v128.load32_splat(a, 32);
      a10 = multiplyAdd(x, low, a10);
      a11 = multiplyAdd(x, high, a11);
      x = v128.load32_splat(a, 64);
      a20 = multiplyAdd(x, low, a20);
      a21 = multiplyAdd(x, high, a21);
      x = v128.load32_splat(a, 96);
      a30 = multiplyAdd(x, low, a30);
      a31 = multiplyAdd(x, high, a31);
    }
  }
  v128.store(out, a00);
  v128.store(out, a01, 16);
  v128.store(out1, a10);
  v128.store(out1, a11, 16);
  v128.store(out2, a20);
  v128.store(out2, a21, 16);
  v128.store(out3, a30);
  v128.store(out3, a31, 16);
}

/** One row, columns from `column` on. */
function addPanelRow(panels: usize, panelRows: i32, n: i32, b: usize, width: i32, column: i32, out: usize): void {
  for (let t = 0; t < n; t++) {
    const x = load<f32>(panels + (((t >> 3) * panelRows) << 5) + ((t & 7) << 2));
    for (let i = column; i < width; i++) {
      store<f32>(out + (i << 2), load<f32>(out + (i << 2)) + x * load<f32>(b + ((t * width + i) << 2)));
    }
  }
}
