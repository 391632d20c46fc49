import { record } from '../core/autograd.ts';
import { DTypeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { floatOnly, rankIs, sameDevice, shapeIs } from './checks.ts';
import { div, maximum, notEqual } from './elementwise.ts';
import { sum } from './reductions.ts';
import { cast, contiguous } from './views.ts';

export interface CrossEntropyOptions {
  /** Rows with this target do not count; -100 by default. */
  readonly ignoreIndex?: number;
  /** Adds `zLoss * lse^2` per row (PaLM, section 5). */
  readonly zLoss?: number;
}

/**
 * Cross-entropy in nats of logits against target ids, without storing probabilities.
 * `mean` divides by the number of counted rows (0 when there are none).
 *
 * @param logits `[N, V]`
 * @param targets i32 `[N]`
 * @returns f32: scalar, or `[N]` for reduction `none`
 * @throws ShapeError | DTypeError
 */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  {
    ignoreIndex = -100,
    zLoss = 0,
    reduction = 'mean',
  }: CrossEntropyOptions & { readonly reduction?: 'mean' | 'sum' | 'none' } = {},
): Tensor {
  return tidy(() => {
    checkTargets('crossEntropy', logits, targets);
    const losses = rowLosses(logits, targets, ignoreIndex, zLoss);
    if (reduction === 'none') return losses;
    const total = sum(losses);
    return reduction === 'sum' ? total : div(total, countedRows(targets, ignoreIndex));
  });
}

/** Checks `rows [N, ...]` and `targets i32 [N]`. Internal. @throws ShapeError | DTypeError */
export function checkTargets(operation: string, rows: Tensor, targets: Tensor): void {
  sameDevice(operation, rows, targets);
  floatOnly(operation, rows);
  rankIs(
    operation,
    operation === 'crossEntropy' ? 'logits' : 'x',
    rows,
    operation === 'crossEntropy' ? '[N, V]' : '[N, C]',
  );
  shapeIs(operation, 'targets', targets.shape, [rows.shape[0]], '[N]');
  if (targets.dtype !== 'i32')
    throw new DTypeError(`${operation}: targets must be i32, got ${targets.dtype}. Use cast(targets, 'i32').`);
}

function rowLosses(logits: Tensor, targets: Tensor, ignoreIndex: number, zLoss: number): Tensor {
  return tidy(() => {
    const { device } = logits;
    const N = logits.shape[0];
    const source = contiguous(logits);
    const ids = contiguous(targets);
    const loss = allocateTensor(device, [N], 'f32');
    const lse = allocateTensor(device, [N], 'f32');
    device.backend.crossEntropy(source.view, ids.view, ignoreIndex, zLoss, loss.view, lse.view);
    record([loss], [source], [source, ids, lse], ([gradient], [sLogits, sIds, sLse]) => {
      const dLogits = allocateTensor(device, sLogits.shape, sLogits.dtype);
      device.backend.crossEntropyBackward(
        sLogits.view,
        sIds.view,
        ignoreIndex,
        zLoss,
        sLse.view,
        contiguous(gradient!).view,
        dLogits.view,
      );
      return [dLogits];
    });
    return loss;
  });
}

/** Number of counted rows as an f32 scalar, at least 1. Stays on the device. Internal. */
export function countedRows(targets: Tensor, ignoreIndex: number): Tensor {
  return tidy(() => {
    return maximum(sum(cast(notEqual(targets, ignoreIndex), 'f32')), 1);
  });
}
