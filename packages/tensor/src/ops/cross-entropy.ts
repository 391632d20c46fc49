import { crossEntropyKernels } from '../backends/families.ts';
import { record } from '../core/autograd.ts';
import { tidy } from '../core/scope.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkOptions, notNegative, type OptionChecks, oneOf, whole } from '../core/value-checks.ts';
import { checkOperands, dtypeIs, floatOnly, rankIs, shapeIs } from './checks.ts';
import { div, maximum, notEqual } from './elementwise.ts';
import { sum } from './reductions.ts';
import { cast, contiguous } from './views.ts';

export interface CrossEntropyOptions {
  /** Rows with this target do not count; -100 by default. */
  readonly ignoreIndex?: number;
  /** Adds `zLoss * lse^2` per row (PaLM, section 5). */
  readonly zLoss?: number;
}

/** What both kinds of cross-entropy take. Internal. */
export const CROSS_ENTROPY_OPTIONS: OptionChecks<CrossEntropyOptions> = {
  ignoreIndex: whole(-(2 ** 31), 2 ** 31 - 1),
  zLoss: notNegative,
};

/** Options of `crossEntropy`. */
export interface ReducedCrossEntropyOptions extends CrossEntropyOptions {
  /** `mean` by default: over the rows that count. */
  readonly reduction?: 'mean' | 'sum' | 'none';
}

const REDUCED_OPTIONS: OptionChecks<ReducedCrossEntropyOptions> = {
  ...CROSS_ENTROPY_OPTIONS,
  reduction: oneOf('mean', 'sum', 'none'),
};

/**
 * Cross-entropy in nats of logits against target ids, without storing probabilities.
 * `mean` divides by the number of counted rows (0 when there are none).
 *
 * @param logits `[N, V]`
 * @param targets i32 `[N]`
 * @returns f32: scalar, or `[N]` for reduction `none`
 * @throws ShapeError | DTypeError
 */
export function crossEntropy(logits: Tensor, targets: Tensor, options: ReducedCrossEntropyOptions = {}): Tensor {
  return tidy(() => {
    checkOptions('crossEntropy', options, REDUCED_OPTIONS);
    const { ignoreIndex = -100, zLoss = 0, reduction = 'mean' } = options;
    checkOperands('crossEntropy', { logits, targets });
    checkTargets('crossEntropy', 'logits', logits, '[N, V]', targets);
    const losses = rowLosses(logits, targets, ignoreIndex, zLoss);
    if (reduction === 'none') return losses;
    const total = sum(losses);
    return reduction === 'sum' ? total : div(total, countedRows(targets, ignoreIndex));
  });
}

/** Checks `rows [N, ...]`, whose axes have those letters, and `targets i32 [N]`. Internal. @throws ShapeError | DTypeError */
export function checkTargets(operation: string, name: string, rows: Tensor, letters: string, targets: Tensor): void {
  floatOnly(operation, rows);
  rankIs(operation, name, rows, letters);
  shapeIs(operation, 'targets', targets.shape, [rows.shape[0]], '[N]');
  dtypeIs(operation, 'targets', targets, 'i32');
}

function rowLosses(logits: Tensor, targets: Tensor, ignoreIndex: number, zLoss: number): Tensor {
  return tidy(() => {
    const { device } = logits;
    const N = logits.shape[0];
    const source = contiguous(logits);
    const ids = contiguous(targets);
    const loss = allocateTensor(device, [N], 'f32');
    const lse = allocateTensor(device, [N, 2], 'f32');
    crossEntropyKernels.on(device.backend).crossEntropy(source.view, ids.view, ignoreIndex, zLoss, loss.view, lse.view);
    record([loss], [source], [source, ids, lse], ([gradient], [sLogits, sIds, sLse]) => {
      const dLogits = allocateTensor(device, sLogits.shape, sLogits.dtype);
      crossEntropyKernels
        .on(device.backend)
        .crossEntropyBackward(
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
