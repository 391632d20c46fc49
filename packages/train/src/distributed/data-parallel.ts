import {
  allocateGradients,
  clipGradNorm,
  full,
  noGrad,
  type Optimizer,
  type Platform,
  type SafetensorsInput,
  type Tensor,
  tidy,
} from '@modajs/tensor';
import type { RunConfig } from '../config/run-config.ts';
import { type HostBatch, IGNORED_TARGET } from '../data/batch.ts';
import { createOptimizer } from '../optim/create-optimizer.ts';
import type { TrainableModel } from '../run/trainable-model.ts';
import {
  accumulateGradients,
  releaseGradients,
  type StepControls,
  type StepNumbers,
  type TrainingStepOptions,
} from '../run/training-step.ts';
import { requireAgreement } from './agreement.ts';
import { broadcastJson } from './broadcast-json.ts';
import type { Collective } from './collective.ts';
import { CollectiveError } from './collective-error.ts';
import { CommunicationMeter } from './communication-meter.ts';
import { gatherTensors } from './gather-tensors.ts';
import { gatherWeights } from './gather-weights.ts';
import { GradientSync } from './gradient-sync.ts';
import { CodedExchange } from './gradients/coded-exchange.ts';
import type { GradientExchange, HostTensor } from './gradients/gradient-exchange.ts';
import { PlainExchange } from './gradients/plain-exchange.ts';
import { type ParameterBucket, parameterBuckets } from './parameter-buckets.ts';
import { parameterOwners } from './parameter-owners.ts';
import { requireDivisibleBatch } from './require-divisible-batch.ts';

type NamedTensors = Readonly<Record<string, Tensor>>;

/** Sums over ranks that a step needs beside the gradients, in this order. */
interface StepTotals {
  /** Nats over all counted targets. */
  readonly nats: number;
  /** Targets that count. */
  readonly targets: number;
  /** Ranks that were told to stop. */
  readonly stops: number;
  /** Whether all ranks have gradients of the same parameters. */
  readonly agree: boolean;
  /** Sum of squares of all gradients; sharded only. */
  readonly squares: number;
  /** z-loss over all counted targets; 0 without one. */
  readonly zNats: number;
}

/**
 * One rank of a data-parallel run: it computes its rows of the global batch, all ranks average their gradients by the number
 * of targets that count, and each makes the same update (or, with `training.shardOptimizer`, the update of its share of the
 * parameters, which all then take over: ZeRO stage 1). After a step every rank has the same weights, bit for bit.
 */
export class DataParallel {
  readonly optimizer: Optimizer;
  /** Whether some rank was told to stop by the end of the last step: the same answer on every rank. */
  stopAgreed = false;
  readonly meter = new CommunicationMeter();
  private readonly isSharded: boolean;
  private readonly params: NamedTensors;
  private readonly own: NamedTensors;
  private readonly buckets: readonly ParameterBucket[];
  private readonly exchanges: readonly GradientExchange[];
  private readonly sync: GradientSync;
  /** Loss scale of what coding has left out so far. */
  private lossScale = 1;

  /** @throws ConfigError when the batch does not divide into equal parts */
  constructor(
    private readonly collective: Collective,
    private readonly model: TrainableModel,
    private readonly config: RunConfig,
    private readonly signal: Platform<'AbortSignal'> | undefined,
  ) {
    requireDivisibleBatch(config, collective.size);
    const { rank, size } = collective;
    this.params = model.parameters();
    this.isSharded = config.training.shardOptimizer;
    const owners = this.isSharded ? parameterOwners(this.params, size) : null;
    this.own = owners === null ? this.params : pick(this.params, (name) => owners.get(name) === rank);
    this.buckets = parameterBuckets(this.params, owners, size);
    // Of all parameters, not of the own ones only: the backward pass needs them.
    allocateGradients(this.params);
    const { gradientCoding } = config.training;
    this.exchanges = this.buckets.map((bucket) =>
      gradientCoding === 'f32'
        ? new PlainExchange(collective, bucket, this.isSharded)
        : new CodedExchange(collective, parametersOf(bucket), gradientCoding),
    );
    this.sync = new GradientSync(
      collective,
      this.buckets.map((bucket, i) => ({ parameters: parametersOf(bucket), exchange: this.exchanges[i] })),
    );
    this.optimizer = createOptimizer(this.own, config.optimizer);
  }

  /**
   * Before the first step, on all ranks together: operations of ranks that differ in these would never meet.
   *
   * @throws CollectiveError naming the first setting that differs, on the ranks where it does; PeerFailedError on the others
   */
  async requireAgreement(): Promise<void> {
    const { steps, batchSize, gradientCoding, shardOptimizer, gradientAccumulation } = this.config.training;
    const parameters = Object.fromEntries(Object.entries(this.params).map(([name, { shape }]) => [name, [...shape]]));
    const training = { steps, batchSize, gradientCoding, shardOptimizer, gradientAccumulation };
    const { optimizer, schedule } = this.config;
    await requireAgreement(this.collective, { training, optimizer, schedule, parameters });
  }

  /** This rank's rows of a global batch. */
  get rows(): { readonly first: number; readonly count: number } {
    const count = this.config.training.batchSize / this.collective.size;
    return { first: this.collective.rank * count, count };
  }

  /** Buckets of the last step's gradients that travelled while the backward pass went on. */
  get overlappedBuckets(): number {
    return this.sync.startedEarly;
  }

  /** `trainingStep` over all ranks; loss and norm are the global batch's. */
  async step(batch: HostBatch, options: TrainingStepOptions, controls: StepControls): Promise<StepNumbers> {
    const { lossScale, lossLimit, lrRatio } = controls;
    const { device } = Object.values(this.params)[0];
    const counted = batch.targets.reduce((sum, target) => sum + (target === IGNORED_TARGET ? 0 : 1), 0);
    const positions = this.config.training.batchSize * batch.T;
    if (lossScale !== this.lossScale) {
      for (const exchange of this.exchanges) exchange.scaleResiduals(lossScale / this.lossScale);
      this.lossScale = lossScale;
    }
    this.sync.begin();
    const loss = tidy(() =>
      accumulateGradients(this.model, batch, options, (lossScale * counted) / positions, this.sync.onGradient),
    );
    let computedAt = 0;
    const computed = loss.data().then((values) => {
      computedAt = performance.now();
      return values;
    });
    const [local] = await Promise.all([computed, this.sync.finish()]);
    loss.dispose();
    const totals = await this.sumOverRanks(local, counted);
    this.measure(computedAt);
    if (!totals.agree) {
      throw new CollectiveError(
        'train: all ranks must have gradients of the same parameters, got different ones: their weights would part. ' +
          'Let the loss of each rank use every parameter, if only with a factor of 0.',
      );
    }
    this.stopAgreed = totals.stops > 0;
    const meanLoss = totals.nats / totals.targets;
    // Without padding every position counts, and the correction is 1.
    const scale = positions / totals.targets / lossScale;
    const clipped = this.clip(options.clipNorm, scale, totals.squares);
    const isRefused = meanLoss > lossLimit;
    noGrad(() =>
      tidy(() => {
        this.optimizer.step({ lrRatio, gradScale: isRefused ? full([], Number.NaN, { device }) : clipped.gradScale });
      }),
    );
    const gradientNorm = await clipped.norm.item();
    clipped.norm.dispose();
    clipped.gradScale.dispose();
    releaseGradients(this.params);
    if (isRefused || !Number.isFinite(gradientNorm)) for (const exchange of this.exchanges) exchange.forget();
    if (this.isSharded) await this.takeWeights();
    device.endStep();
    if (options.zLoss === 0) return { loss: meanLoss, gradientNorm };
    return { loss: meanLoss, zLoss: totals.zNats / totals.targets, gradientNorm };
  }

  /** Makes the parameters' gradients their sums over all ranks, without a backward pass that they overlap with. */
  async exchange(): Promise<void> {
    this.sync.begin();
    await this.sync.finish();
  }

  /** What a step's gradients cost until their sums are there. @param computedAt when the backward pass was done */
  private measure(computedAt: number): void {
    const now = performance.now();
    this.meter.took(now - Math.min(computedAt, this.sync.startedAt), now - computedAt);
    this.countBytes(this.isSharded ? 1 : 2, this.exchanges);
  }

  private async takeWeights(): Promise<void> {
    const startedAt = performance.now();
    await gatherWeights(this.collective, this.buckets);
    const timeMs = performance.now() - startedAt;
    this.meter.took(timeMs, timeMs);
    this.countBytes(
      1,
      this.buckets.map(({ buffer }) => ({ bytes: buffer.byteLength })),
    );
  }

  /** Every byte goes round the ring of ranks so many times. */
  private countBytes(times: number, parts: readonly { readonly bytes: number }[]): void {
    const { size } = this.collective;
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    const moved = Math.round((times * bytes * (size - 1)) / size);
    this.meter.sent(moved);
    this.meter.received(moved);
  }

  /**
   * What coding has left out so far on all ranks, for a checkpoint, on rank 0; every rank calls it. Nothing where nothing is
   * left out.
   */
  async residuals(): Promise<Readonly<Record<string, SafetensorsInput>>> {
    if (this.config.training.gradientCoding !== 'int8') return {};
    const own: Record<string, HostTensor> = { [scaleKey(this.collective)]: hostScale(this.lossScale) };
    for (const [i, exchange] of this.exchanges.entries()) {
      for (const [name, tensor] of Object.entries(await exchange.residuals())) {
        own[`${residualPrefix(this.collective, i)}${name}`] = tensor;
      }
    }
    return gatherTensors(this.collective, own);
  }

  /** @param saved what `residuals` gave; that of another number of ranks is forgotten */
  restoreResiduals(saved: ReadonlyMap<string, { readonly data: ArrayLike<number> }>): void {
    this.lossScale = saved.get(scaleKey(this.collective))?.data[0] ?? 1;
    for (const [i, exchange] of this.exchanges.entries()) {
      const prefix = residualPrefix(this.collective, i);
      const own = [...saved].filter(([name]) => name.startsWith(prefix));
      exchange.restoreResiduals(new Map(own.map(([name, tensor]) => [name.slice(prefix.length), tensor])));
    }
  }

  dispose(): void {
    for (const exchange of this.exchanges) exchange.dispose();
  }

  /** The whole optimiser state for a checkpoint, on rank 0; every rank calls it. */
  async optimizerState(): Promise<Readonly<Record<string, SafetensorsInput>>> {
    return this.isSharded ? gatherTensors(this.collective, this.optimizer.state()) : this.optimizer.state();
  }

  /** `laggingStepCounts` of all parameters, for a checkpoint; every rank calls it. */
  async laggingStepCounts(): Promise<Readonly<Record<string, number>>> {
    const { collective, optimizer } = this;
    if (!this.isSharded) return optimizer.laggingStepCounts;
    const counts: Record<string, number> = {};
    for (let root = 0; root < collective.size; root++) {
      const own = root === collective.rank ? optimizer.laggingStepCounts : null;
      Object.assign(counts, await broadcastJson(collective, own, root));
    }
    return counts;
  }

  private async sumOverRanks([loss, zLoss = 0]: Iterable<number>, counted: number): Promise<StepTotals> {
    const [nats, zNats] = counted === 0 ? [0, 0] : [loss * counted, zLoss * counted];
    const key = gradientsKey(this.params);
    const sums = Float64Array.of(
      nats,
      counted,
      this.signal?.aborted ? 1 : 0,
      await this.ownSquares(),
      zNats,
      key,
      key ** 2,
    );
    await this.collective.allReduce(sums);
    // Without variance all keys are equal. Every rank finds the same; sums of whole numbers are exact in f64.
    const { size } = this.collective;
    const agree = sums[5] === size * key && sums[6] === size * key ** 2;
    return { nats: sums[0], targets: sums[1], stops: sums[2], squares: sums[3], zNats: sums[4], agree };
  }

  private async ownSquares(): Promise<number> {
    if (!this.isSharded || Object.values(this.own).every(({ grad }) => grad === null)) return 0;
    const { norm, gradScale } = clipGradNorm(this.own, Infinity);
    gradScale.dispose();
    const value = await norm.item();
    norm.dispose();
    return value ** 2;
  }

  /** As `clipGradNorm`; with sharding from the sum of squares over ranks. */
  private clip(clipNorm: number, scale: number, squares: number): { norm: Tensor; gradScale: Tensor } {
    if (!this.isSharded) return clipGradNorm(this.params, clipNorm, scale);
    const { device } = Object.values(this.params)[0];
    const norm = Math.sqrt(squares) * scale;
    const factor = Number.isFinite(norm) ? Math.min(1, clipNorm / (norm + 1e-6)) * scale : Number.NaN;
    return { norm: full([], norm, { device }), gradScale: full([], factor, { device }) };
  }
}

/** Names of what a rank of so many has left out of its gradients: another number of ranks finds nothing. */
function residualPrefix({ rank, size }: Collective, bucket: number): string {
  return `${rank}-of-${size}/${bucket}/`;
}

function scaleKey({ rank, size }: Collective): string {
  return `${rank}-of-${size}/lossScale`;
}

function hostScale(lossScale: number): HostTensor {
  return { dtype: 'F32', shape: [1], data: Float32Array.of(lossScale) };
}

function parametersOf({ entries }: ParameterBucket): Tensor[] {
  return entries.map(({ parameter }) => parameter);
}

/** A number below 2^16 for the set of parameters that have a gradient. */
function gradientsKey(params: NamedTensors): number {
  let key = 0;
  for (const name in params) key = (key * 31 + (params[name].grad === null ? 1 : 2)) & 0xffff;
  return key;
}

function pick(params: NamedTensors, keep: (name: string) => boolean): NamedTensors {
  return Object.fromEntries(Object.entries(params).filter(([name]) => keep(name)));
}
