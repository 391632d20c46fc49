import {
  add,
  affine,
  assign,
  backward,
  clipGradNorm,
  concat,
  full,
  greater,
  noGrad,
  type Optimizer,
  reshape,
  slice,
  stack,
  sub,
  type Tensor,
  tidy,
  where,
} from '@modajs/tensor';
import { type HostBatch, IGNORED_TARGET } from '../data/batch.ts';
import { deferRejection } from './defer-rejection.ts';
import {
  type GradientPass,
  isReplayable,
  lossTotal,
  type OnGradient,
  replayedLoss,
  rowsOf,
  upload,
} from './replayed-gradients.ts';
import type { TrainableModel } from './trainable-model.ts';

/** What does not change between steps. */
export interface TrainingStepOptions {
  readonly gradientAccumulation: number;
  readonly activationCheckpointing: boolean;
  readonly zLoss: number;
  readonly clipNorm: number;
}

/** What changes. */
export interface StepControls {
  readonly lrRatio: number;
  /** Gradients are computed on the loss times this. */
  readonly lossScale: number;
  /** A loss above this changes nothing; Infinity for no limit. */
  readonly lossLimit: number;
}

/** Numbers of a finished step. */
export interface StepNumbers {
  /** Mean cross-entropy in nats per token, before the update, without the z-loss. */
  readonly loss: number;
  /** Mean z-loss; absent without one. */
  readonly zLoss?: number;
  /** Global norm of the gradient, before clipping. */
  readonly gradientNorm: number;
}

/**
 * One optimiser step: forward and backward over the parts of the batch, clipping, update. Everything stays on the device;
 * the promise brings two numbers back once the device is there, and nothing waits for it. All tensors made here are freed
 * before the call returns, so a steady loop allocates nothing after its first step.
 *
 * A step whose gradient is not finite, or whose loss exceeds the limit, leaves weights and optimiser as they were.
 *
 * @param onGradient told about each contribution to a parameter's gradient as it comes
 */
export function trainingStep(
  model: TrainableModel,
  optimizer: Optimizer,
  batch: HostBatch,
  options: TrainingStepOptions,
  controls: StepControls,
  onGradient?: OnGradient,
): Promise<StepNumbers> {
  const params = model.parameters();
  const { device } = Object.values(params)[0];
  const numbers = tidy(() => {
    const loss = accumulateGradients(model, batch, options, controls.lossScale, onGradient);
    const clipped = clipGradNorm(params, options.clipNorm, 1 / controls.lossScale);
    const gradScale = refuseAbove(controls.lossLimit, crossEntropyOf(loss), clipped.gradScale);
    optimizer.step({ lrRatio: controls.lrRatio, gradScale });
    releaseGradients(params);
    return concat([reshape(loss, [-1]), reshape(clipped.norm, [1])], 0);
  });
  const pending = deferRejection(numbers.data().then((values) => stepNumbers(values)));
  numbers.dispose();
  device.endStep();
  return pending;
}

/**
 * Runs the parts of the batch backward into the parameters' `grad`; the mean loss over all counted targets of the batch, unscaled: a
 * scalar, with a z-loss `[2]` of the cross-entropy and the z-loss. A part
 * counts by its targets, so that no division into parts changes what is computed.
 *
 * @param scale gradients are of the mean loss times this
 * @param onGradient told about each contribution to a parameter's gradient as it comes
 */
export function accumulateGradients(
  model: TrainableModel,
  batch: HostBatch,
  options: TrainingStepOptions,
  scale: number,
  onGradient?: OnGradient,
): Tensor {
  const { gradientAccumulation: parts, zLoss, activationCheckpointing } = options;
  const { device } = Object.values(model.parameters())[0];
  const rows = batch.B / parts;
  const counts = countedTargets(batch, parts);
  const counted = counts.reduce((sum, count) => sum + count, 0);
  const isEven = counts.every((count) => count === counts[0]);
  const factorOf = (part: number): number => (isEven ? scale / parts : (scale * counts[part]) / counted);
  const shape = zLoss === 0 ? [] : [2];
  const passOf =
    (factor: number): GradientPass =>
    ({ ids, targets, docRange }, tell) =>
      tidy(() => {
        const means = zLoss > 0 && model.tellsLossParts ? full([2], 0, { device }) : undefined;
        const options = { docRange, checkpoint: activationCheckpointing, ignoreIndex: IGNORED_TARGET };
        const loss = model.loss(ids, targets, { ...options, zLoss, parts: means });
        backward(factor === 1 ? loss : affine(loss, factor, 0), undefined, { onGradient: tell });
        if (zLoss === 0) return loss.detach();
        return (
          means ??
          lossParts(
            loss.detach(),
            noGrad(() => model.loss(ids, targets, options)),
          )
        );
      });
  // Uneven parts have another factor each: captured commands would not come again.
  const replays = isEven && isReplayable(model, device);
  const lossOf = (part: number): Tensor => {
    const host = rowsOf(batch, part * rows, rows);
    const factor = factorOf(part);
    const key = `${part === 0} ${factor} ${zLoss} ${activationCheckpointing}`;
    if (replays) return replayedLoss(model, host, key, device, passOf(factor), shape, onGradient);
    return tidy(() => passOf(factor)(upload(host, device), onGradient));
  };
  if (parts === 1) return lossOf(0);
  const total = replays ? lossTotal(model, device, shape) : full(shape, 0, { device });
  for (let part = 0; part < parts; part++) {
    tidy(() => {
      const loss = lossOf(part);
      const weighted = isEven ? loss : affine(loss, counts[part] / counted, 0);
      noGrad(() => assign(total, add(total, weighted)));
    });
  }
  return isEven ? affine(total, 1 / parts, 0) : total;
}

/** Cross-entropy and z-loss `[2]` of their sum and the cross-entropy alone. */
function lossParts(sum: Tensor, crossEntropy: Tensor): Tensor {
  return stack([crossEntropy, sub(sum, crossEntropy)], 0);
}

/** The first of the numbers that `accumulateGradients` gives. */
function crossEntropyOf(loss: Tensor): Tensor {
  return loss.rank === 0 ? loss : reshape(slice(loss, [0], [1]), []);
}

function stepNumbers(values: ArrayLike<number>): StepNumbers {
  if (values.length === 2) return { loss: values[0], gradientNorm: values[1] };
  return { loss: values[0], zLoss: values[1], gradientNorm: values[2] };
}

/** Targets that count in each part of a batch. */
function countedTargets({ B, T, targets }: HostBatch, parts: number): number[] {
  const size = (B / parts) * T;
  const counts = new Array<number>(parts).fill(size);
  for (let i = 0; i < targets.length; i++) if (targets[i] === IGNORED_TARGET) counts[Math.floor(i / size)]--;
  return counts;
}

/** Frees the gradients of all parameters. */
export function releaseGradients(params: Readonly<Record<string, Tensor>>): void {
  for (const parameter of Object.values(params)) {
    parameter.grad?.dispose();
    parameter.grad = null;
  }
}

/** The gradient factor, made NaN when the loss exceeds the limit. */
function refuseAbove(limit: number, loss: Tensor, gradScale: Tensor): Tensor {
  if (limit === Infinity) return gradScale;
  return where(greater(loss, limit), full([], Number.NaN, { device: loss.device }), gradScale);
}
