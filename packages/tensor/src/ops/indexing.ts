import type { ArrayView } from '../backends/backend.ts';
import { gatherKernels } from '../backends/families.ts';
import { record } from '../core/autograd.ts';
import { tidy } from '../core/scope.ts';
import { contiguousStrides, normalizeAxis, type Shape, sizeOf } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkOperands, floatOnly, integersOnly, rankIs } from './checks.ts';
import { contiguous } from './views.ts';

/** A contiguous view seen through another shape of the same size. */
function as(view: ArrayView, shape: Shape): ArrayView {
  return { ...view, shape, strides: contiguousStrides(shape) };
}

/**
 * Rows of a table: `table [V, C]`, `ids [...]` -> `[..., C]`. An id outside `0 .. V-1` gives a row of NaN, which no loss
 * survives unseen. The gradient adds rows in ascending order, so it is deterministic.
 *
 * @throws ShapeError | DTypeError
 */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  return tidy(() => {
    const device = checkOperands('embedding', { table, ids });
    rankIs('embedding', 'table', table, '[V, C]');
    integersOnly('embedding', 'ids', ids);
    floatOnly('embedding', table);
    const C = table.shape[1];
    const dense = contiguous(ids);
    const source = contiguous(table);
    const out = allocateTensor(device, [...ids.shape, C], table.dtype);
    gatherKernels.on(device.backend).embedding(source.view, as(dense.view, [ids.size]), as(out.view, [ids.size, C]));
    const like = { device, shape: table.shape, dtype: table.dtype };
    record([out], [source], [dense], ([gradient], [sIds], _needs, destination) => {
      const { tensor: dTable, accumulate } = destination(0, like, true);
      gatherKernels
        .on(device.backend)
        .embeddingBackward(
          as(sIds.view, [sIds.size]),
          as(contiguous(gradient!).view, [sIds.size, C]),
          dTable.view,
          accumulate,
        );
      return [dTable];
    });
    return out;
  });
}

/**
 * x at the given indices along an axis: extent N becomes J. Index values must lie in `0 .. N-1`.
 *
 * @param index i32 `[J]`
 * @throws ShapeError | DTypeError
 */
export function gather(x: Tensor, index: Tensor, axis: number): Tensor {
  return tidy(() => {
    const device = checkOperands('gather', { x, index });
    const at = normalizeAxis('gather', axis, x.rank);
    rankIs('gather', 'index', index, '[J]');
    integersOnly('gather', 'index', index);
    const J = index.size;
    const [R, N, I] = [sizeOf(x.shape.slice(0, at)), x.shape[at], sizeOf(x.shape.slice(at + 1))];
    const source = contiguous(x);
    const where = contiguous(index);
    const out = allocateTensor(
      device,
      x.shape.map((extent, i) => (i === at ? J : extent)),
      x.dtype,
    );
    gatherKernels.on(device.backend).gather(as(source.view, [R, N, I]), where.view, as(out.view, [R, J, I]));
    const { shape, dtype } = x;
    record([out], [source], [where], ([gradient], [sIndex]) => {
      const dx = allocateTensor(device, shape, dtype);
      gatherKernels
        .on(device.backend)
        .gatherBackward(as(contiguous(gradient!).view, [R, J, I]), sIndex.view, as(dx.view, [R, N, I]));
      return [dx];
    });
    return out;
  });
}

/**
 * Sums of x along an axis by index, the adjoint of `gather`: extent J becomes `extent`. Index values outside `0 .. extent-1` add nothing.
 * Internal to operators, whose checks it has behind it.
 *
 * @param index i32 `[J]`
 */
export function scatterSum(x: Tensor, index: Tensor, axis: number, extent: number): Tensor {
  return tidy(() => {
    const { device, shape, dtype } = x;
    const [R, J, I] = [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))];
    const where = contiguous(index);
    const out = allocateTensor(
      device,
      shape.map((own, i) => (i === axis ? extent : own)),
      dtype,
    );
    gatherKernels
      .on(device.backend)
      .gatherBackward(as(contiguous(x).view, [R, J, I]), where.view, as(out.view, [R, extent, I]));
    record([out], [x], [where], ([gradient], [sIndex]) => {
      const dx = allocateTensor(device, shape, dtype);
      gatherKernels
        .on(device.backend)
        .gather(as(contiguous(gradient!).view, [R, extent, I]), sIndex.view, as(dx.view, [R, J, I]));
      return [dx];
    });
    return out;
  });
}
