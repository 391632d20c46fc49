import { isRecording } from '../core/autograd.ts';
import type { HostArray } from '../core/dtype.ts';
import { AutogradError, ConfigError, ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { allocateTensor, overlap, Tensor } from '../core/tensor.ts';
import { shown } from '../core/value-checks.ts';
import { checkOperands } from './checks.ts';
import { castFor, hostNumbers, isNumbers, numberFits } from './creation.ts';
import { broadcastTo } from './views.ts';

/**
 * Writes values into a tensor's memory, in place, as PyTorch's `copy_`: views of it see them too. Not recorded: no gradient flows
 * through it. A step that is captured repeats the assignment of a tensor with its values at that time, of host values with those
 * of the capture.
 *
 * @param target any view without repeated elements; a parameter too
 * @param values a tensor that broadcasts to the target's shape (other dtypes are converted as by `cast`; it may be a view of the
 *   target's memory), a typed array of the target's size in row-major order, or one number for all elements
 * @returns the target
 * @throws AutogradError when a recorded graph still needs the target's values, when the target is a result of one, or when a
 *   graph is recorded and the values require a gradient; ShapeError | DTypeError | DeviceError | ConfigError
 */
export function assign(target: Tensor, values: Tensor | HostArray | number): Tensor {
  checkOperands('assign', { target });
  refuseGraph(target);
  if (target.repeatsElements) {
    throw new ShapeError(
      `assign: target must not repeat elements, got an expanded view of shape ${formatShape(target.shape)}. Assign to the tensor it is a view of.`,
      { shape: target.shape },
    );
  }
  target.markOverwritten();
  if (typeof values === 'number') assignNumber(target, values);
  else if (isNumbers(values)) assignHost(target, values);
  else if (values instanceof Tensor) assignTensor(target, values);
  else {
    throw new ConfigError(`assign: values must be a tensor, a typed array or a number, got ${shown(values)}.`, {
      values,
    });
  }
  return target;
}

function refuseGraph(target: Tensor): void {
  if (target.node !== null && target.node.leaf === null) {
    throw new AutogradError(
      `assign: target must not be the result of recorded operators, got one of shape ${formatShape(target.shape)}. Assign to its detach(), or record nothing (noGrad).`,
      { shape: target.shape },
    );
  }
  if (target.isNeededByGraph) {
    throw new AutogradError(
      `assign: a recorded graph still needs the values of target, got one of shape ${formatShape(target.shape)}. Assign after backward(), or dispose of what depends on it first.`,
      { shape: target.shape },
    );
  }
}

function assignNumber(target: Tensor, value: number): void {
  numberFits('assign', 'values', value, target.dtype, castFor('target', target.dtype));
  const { backend } = target.device;
  if (target.isContiguous) backend.fill(target.view, value);
  else viaRows(target, (rows) => backend.fill(rows.view, value));
}

function assignHost(target: Tensor, values: HostArray): void {
  const numbers = hostNumbers('assign', values, target.dtype);
  if (numbers.length !== target.size) {
    throw new ShapeError(
      `assign: values must be ${target.size} numbers for target ${formatShape(target.shape)}, got ${numbers.length}.`,
      { shape: target.shape, length: numbers.length },
    );
  }
  const { backend } = target.device;
  const write = ({ storage, offset }: Tensor): void => backend.upload(storage.raw, offset, numbers);
  if (target.isContiguous) write(target);
  else viaRows(target, write);
}

/** Fills new row-major memory and copies it to the target. */
function viaRows(target: Tensor, fill: (rows: Tensor) => void): void {
  tidy(() => {
    const rows = allocateTensor(target.device, target.shape, target.dtype);
    fill(rows);
    target.device.backend.copy(rows.view, target.view);
  });
}

function assignTensor(target: Tensor, values: Tensor): void {
  checkOperands('assign', { target, values });
  if (isRecording() && values.requiresGrad) {
    throw new AutogradError(
      'assign: values must not require a gradient, for none flows through an assignment, got values that do. Use values.detach(), or noGrad().',
    );
  }
  tidy(() => {
    const wide = broadcastTo(values, target.shape);
    const isSame = values.storage === target.storage && values.offset === target.offset;
    if (isSame && sameShape(values.shape, target.shape) && `${values.strides}` === `${target.strides}`) return;
    const { backend } = target.device;
    if (!overlap(target, values)) backend.copy(wide.view, target.view);
    // A kernel must not write what it still reads.
    else viaRows(target, (rows) => backend.copy(wide.view, rows.view));
  });
}
