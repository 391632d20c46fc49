import type { ArrayView } from '../backends/backend.ts';
import { crossEntropyKernels } from '../backends/families.ts';
import { isRecording, record } from '../core/autograd.ts';
import type { Destination } from '../core/destination.ts';
import { tidy } from '../core/scope.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkedLater, checkOptions, type OptionChecks, orNull, positive, whole } from '../core/value-checks.ts';
import { checkOperands, dtypeIs, rankIs, sameDType, shapeIs } from './checks.ts';
import { full, zeros } from './creation.ts';
import { CROSS_ENTROPY_OPTIONS, type CrossEntropyOptions, checkTargets, countedRows } from './cross-entropy.ts';
import { add, div, equal, less, mul, notEqual, where } from './elementwise.ts';
import { sum } from './reductions.ts';
import { affine, square } from './unary.ts';
import { broadcastTo, cast, concat, contiguous, reshape, slice } from './views.ts';

export interface LinearCrossEntropyOptions extends CrossEntropyOptions {
  /** Rows of logits that exist at a time; chosen for the device by default. */
  readonly chunk?: number;
  /** f32 `[2]`: receives the mean cross-entropy and the mean of `zLoss * lse^2`, whose sum is the result. */
  readonly parts?: Tensor;
  /** c of `c tanh(s / c)`, which logits s go through before the softmax; null, the default, for none. */
  readonly softcap?: number | null;
}

const LINEAR_OPTIONS: OptionChecks<LinearCrossEntropyOptions> = {
  ...CROSS_ENTROPY_OPTIONS,
  chunk: whole(1),
  parts: checkedLater,
  softcap: orNull(positive),
};

/** Rows of a chunk come in multiples of this: tiles of the products. */
const CHUNK_STEP = 64;

/** What a padded column of logits is before the softmax: its probability is 0, and so is its gradient. */
const ABSENT = -65504;

/**
 * Mean cross-entropy of `x . weight^T` against targets, in chunks of rows: `[N, V]` is never stored. With several chunks the
 * gradients of x and weight are computed chunk by chunk in the forward pass when they will be needed, so logits are made
 * once (the method of Liger Kernel's fused linear cross-entropy); a single chunk keeps its logits for the backward pass.
 *
 * @param x `[N, C]`
 * @param weight `[V, C]`
 * @param targets i32 `[N]`
 * @returns f32 scalar
 * @throws ShapeError | DTypeError | ConfigError
 */
export function linearCrossEntropy(
  x: Tensor,
  weight: Tensor,
  targets: Tensor,
  options: LinearCrossEntropyOptions = {},
): Tensor {
  return tidy(() => {
    checkOptions('linearCrossEntropy', options, LINEAR_OPTIONS);
    checkOperands('linearCrossEntropy', { x, weight, targets }, { parts: options.parts });
    checkTargets('linearCrossEntropy', 'x', x, '[N, C]', targets);
    sameDType('linearCrossEntropy', x, weight);
    rankIs('linearCrossEntropy', 'weight', weight, '[V, C]');
    const [N, C] = x.shape;
    const V = weight.shape[0];
    shapeIs('linearCrossEntropy', 'weight', weight.shape, [V, C], '[V, C]');
    const chunk = options.chunk ?? defaultChunk(N, V, x.device.backend.chunkBytes);
    if (options.parts) {
      shapeIs('linearCrossEntropy', 'parts', options.parts.shape, [2], '[2]');
      dtypeIs('linearCrossEntropy', 'parts', options.parts, 'f32');
      x.device.backend.fill(options.parts.view, 0);
    }
    const operands = prepare(x, weight, targets, options);
    return N <= chunk ? inOneChunk(operands, x, weight) : inChunks(operands, x, weight, chunk);
  });
}

/** Chunks of about one size, none above what the device likes. */
function defaultChunk(N: number, V: number, chunkBytes: number): number {
  const most = Math.max(CHUNK_STEP, Math.floor(chunkBytes / 4 / V));
  if (N <= most) return most;
  const even = Math.ceil(N / Math.ceil(N / most));
  return Math.ceil(even / CHUNK_STEP) * CHUNK_STEP;
}

interface Operands {
  /** `[N, C]` */
  readonly x: Tensor;
  /** `[P, C]`: the V rows of the weight, then zeros up to a length that the device multiplies fast. */
  readonly weight: Tensor;
  /** `[P]`: takes the padded columns out of the softmax; null when there are none. */
  readonly bias: Tensor | null;
  /** i32 `[N]` */
  readonly targets: Tensor;
  /** f32 scalar: 1 / counted rows. */
  readonly perRow: Tensor;
  readonly ignoreIndex: number;
  readonly zLoss: number;
  readonly parts: Tensor | undefined;
  readonly softcap: number | null;
}

function prepare(
  x: Tensor,
  weight: Tensor,
  targets: Tensor,
  { ignoreIndex = -100, zLoss = 0, parts, softcap = null }: LinearCrossEntropyOptions,
): Operands {
  const { device } = x;
  const perRow = div(full([], 1, { device }), countedRows(targets, ignoreIndex));
  const common = {
    x: contiguous(x).detach(),
    targets: contiguous(targets),
    perRow,
    ignoreIndex,
    zLoss,
    parts,
    softcap,
  };
  const [V, C] = weight.shape;
  const { rowAlignment } = device.backend;
  const P = Math.ceil(V / rowAlignment) * rowAlignment;
  // A padded column is far below all others, which a cap would undo.
  if (P === V || softcap !== null) return { ...common, weight: contiguous(weight).detach(), bias: null };
  const place = { dtype: weight.dtype, device };
  const padded = zeros([P, C], place);
  device.backend.copy(weight.view, { ...padded.view, shape: [V, C] });
  const bias = full([P], ABSENT, place);
  device.backend.fill({ ...bias.view, shape: [V] }, 0);
  return { ...common, targets: pastPadding(common.targets, V, P, ignoreIndex), weight: padded, bias };
}

/** Targets `V` and above moved behind the padded columns: they are no classes, and a loss of theirs must be NaN. */
function pastPadding(targets: Tensor, V: number, P: number, ignoreIndex: number): Tensor {
  const moved = where(less(targets, V), targets, ignoreIndex === P ? P + 1 : P);
  return ignoreIndex < V ? moved : where(equal(targets, ignoreIndex), targets, moved);
}

/** Rows `start .. end - 1` of a contiguous tensor. */
function rowsOf({ view }: Tensor, start: number, end: number): ArrayView {
  const [, ...rest] = view.shape;
  return { ...view, shape: [end - start, ...rest], offset: view.offset + start * view.strides[0] };
}

function transposed(view: ArrayView): ArrayView {
  return { ...view, shape: [view.shape[1], view.shape[0]], strides: [view.strides[1], view.strides[0]] };
}

interface RowLosses {
  /** `[end - start, P]` */
  readonly logits: Tensor;
  /** f32 `[end - start, 2]`: the parts of the log-sum-exp. */
  readonly lse: Tensor;
  /** f32 scalar: what the rows add to the mean. */
  readonly share: Tensor;
}

function rowLosses(operands: Operands, start: number, end: number): RowLosses {
  const { x, weight, bias, targets, ignoreIndex, zLoss, perRow, parts, softcap } = operands;
  const { device } = x;
  const logits = allocateTensor(device, [end - start, weight.shape[0]], x.dtype);
  const loss = allocateTensor(device, [end - start], 'f32');
  const lse = allocateTensor(device, [end - start, 2], 'f32');
  const backend = crossEntropyKernels.on(device.backend);
  backend.matmul(rowsOf(x, start, end), transposed(weight.view), logits.view, bias ? { bias: bias.view } : undefined);
  if (softcap !== null) capInPlace(logits, softcap);
  const ids = rowsOf(targets, start, end);
  backend.crossEntropy(logits.view, ids, ignoreIndex, parts ? 0 : zLoss, loss.view, lse.view);
  const share = mul(sum(loss), perRow);
  return { logits, lse, share: parts ? addParts(parts, share, zShare(operands, lse, start, end)) : share };
}

/** `c tanh(x / c)`, in x's memory. */
function capInPlace({ view, device: { backend } }: Tensor, c: number): void {
  backend.unary('affine', view, view, 1 / c, 0);
  backend.unary('tanh', view, view);
  backend.unary('affine', view, view, c, 0);
}

/** Derivative of the cap at capped logits y: `1 - (y / c)^2`. */
function capSlope(y: Tensor, c: number): Tensor {
  return affine(square(affine(y, 1 / c, 0)), -1, 1);
}

/** What rows add to the mean of `zLoss * lse^2`: those that count. */
function zShare({ targets, ignoreIndex, zLoss, perRow }: Operands, lse: Tensor, start: number, end: number): Tensor {
  const counts = cast(notEqual(slice(targets, [start], [end]), ignoreIndex), 'f32');
  return mul(mul(sum(where(counts, square(sum(lse, { axes: 1 })), 0)), perRow), zLoss);
}

/** Adds the two means to `parts`; their sum. */
function addParts(parts: Tensor, crossEntropy: Tensor, zPart: Tensor): Tensor {
  const both = concat([reshape(crossEntropy, [1]), reshape(zPart, [1])], 0);
  parts.device.backend.binary('add', parts.view, both.view, parts.view);
  return add(crossEntropy, zPart);
}

/** Turns logits into their gradient in place. `dLoss`: f32 scalar, the gradient of every counted row. */
function logitsGradient(
  { targets, ignoreIndex, zLoss, softcap }: Operands,
  logits: Tensor,
  lse: Tensor,
  dLoss: Tensor,
  start: number,
): void {
  const rows = logits.shape[0];
  const perRow = contiguous(broadcastTo(dLoss, [rows]));
  const ids = rowsOf(targets, start, start + rows);
  const backend = crossEntropyKernels.on(logits.device.backend);
  const slope = softcap === null ? null : capSlope(logits, softcap);
  backend.crossEntropyBackward(logits.view, ids, ignoreIndex, zLoss, lse.view, perRow.view, logits.view);
  if (slope) backend.binary('mul', logits.view, slope.view, logits.view);
}

/** dWeight (+)= dLogits^T . x without the padded columns. */
function addWeightGradient(dLogits: Tensor, x: ArrayView, dWeight: Tensor, accumulate: boolean): void {
  const V = dWeight.shape[0];
  const columns = { ...dLogits.view, shape: [dLogits.shape[0], V] };
  dLogits.device.backend.matmul(transposed(columns), x, dWeight.view, { accumulate });
}

function inOneChunk(operands: Operands, x: Tensor, weight: Tensor): Tensor {
  const { logits, lse, share: total } = rowLosses(operands, 0, x.shape[0]);
  const kept = [operands.x, operands.weight, operands.targets, operands.perRow, logits, lse];
  const like = { device: x.device, shape: weight.shape, dtype: x.dtype };
  record([total], [x, weight], kept, ([dLoss], [sx, sw, targets, perRow, sLogits, sLse], needs, destination) => {
    const saved = { ...operands, x: sx, weight: sw, targets, perRow, bias: null };
    logitsGradient(saved, sLogits, sLse, mul(perRow, dLoss!), 0);
    const { device, dtype } = sx;
    const dx = needs[0] ? allocateTensor(device, sx.shape, dtype) : null;
    if (dx) device.backend.matmul(sLogits.view, sw.view, dx.view);
    return [dx, needs[1] ? wholeWeightGradient(sLogits, sx, destination(1, like, true)) : null];
  });
  return total;
}

function wholeWeightGradient(dLogits: Tensor, x: Tensor, { tensor, accumulate }: Destination): Tensor {
  addWeightGradient(dLogits, x.view, tensor, accumulate);
  return tensor;
}

/**
 * Gradients are held as those of the sum over rows, x's in f32, until the backward pass brings the loss's own gradient: of a mean over
 * thousands of rows, without the loss scale, f16 would lose every small probability.
 */
function inChunks(operands: Operands, x: Tensor, weight: Tensor, chunk: number): Tensor {
  const { device } = x;
  const [N] = x.shape;
  const needsX = isRecording() && x.requiresGrad;
  const needsWeight = isRecording() && weight.requiresGrad;
  const dx = needsX ? allocateTensor(device, x.shape, 'f32') : null;
  const dWeight = needsWeight ? allocateTensor(device, weight.shape, 'f32') : null;
  const one = full([], 1, { device });
  let total = full([], 0, { device });
  for (let start = 0; start < N; start += chunk) {
    const end = Math.min(N, start + chunk);
    total = add(
      total,
      tidy(() => {
        const { logits, lse, share } = rowLosses(operands, start, end);
        if (dx || dWeight) logitsGradient(operands, logits, lse, one, start);
        if (dx) device.backend.matmul(logits.view, operands.weight.view, rowsOf(dx, start, end));
        if (dWeight) addWeightGradient(logits, rowsOf(operands.x, start, end), dWeight, start > 0);
        return share;
      }),
    );
  }
  // Asked now: what was cast for this pass is gone when backward runs.
  const { dtype } = x;
  const like = { device, shape: weight.shape, dtype: weight.dtype };
  const saved = [operands.perRow, dx, dWeight].filter((tensor) => tensor !== null);
  record([total], [x, weight], saved, ([dLoss], [perRow, ...gradients], needs, destination) => {
    const factor = mul(dLoss!, perRow);
    return [
      needs[0] ? cast(mul(gradients[0], factor), dtype) : null,
      needs[1] ? scaledWeightGradient(gradients.at(-1)!, factor, destination(1, like, true)) : null,
    ];
  });
  return total;
}

/** gradient * factor, computed in its destination where that is f32 and free. */
function scaledWeightGradient(gradient: Tensor, scale: Tensor, { tensor, accumulate }: Destination): Tensor {
  const factor = broadcastTo(scale, gradient.shape);
  if (!accumulate && tensor.dtype === gradient.dtype) {
    gradient.device.backend.binary('mul', gradient.view, factor.view, tensor.view);
    return tensor;
  }
  return cast(mul(gradient, factor), tensor.dtype);
}
