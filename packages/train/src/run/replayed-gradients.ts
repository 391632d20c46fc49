import {
  assign,
  type CapturedCommands,
  type Device,
  full,
  type Shape,
  type Tensor,
  tensor,
  tidy,
  withoutScope,
} from '@modajs/tensor';
import type { HostBatch } from '../data/batch.ts';
import type { TrainableModel } from './trainable-model.ts';

/** Rows of a batch on the device. */
export interface DeviceRows {
  /** i32 `[rows, T]` */
  readonly ids: Tensor;
  readonly targets: Tensor;
  /** i32 `[rows, T, 2]`, or null. */
  readonly docRange: Tensor | null;
}

/** Runs before a pass is captured: the first makes what lasts (pipelines, depth arenas), the second settles in it. */
const WARM_UP_RUNS = 2;

/** Told about each contribution to a parameter's gradient as it comes. */
export type OnGradient = (parameter: Tensor) => void;

/** Forward and backward pass of rows on the device; returns the loss. */
export type GradientPass = (rows: DeviceRows, onGradient: OnGradient | undefined) => Tensor;

/** Passes remembered for a model: first and later parts of a batch, before and after a change of the loss scale. */
const MAX_PASSES = 4;

/**
 * Forward and backward pass of one shape, repeated by replaying its commands: the host then spends its time on what changes
 * (data, optimiser), not on recording thousands of operators again. Gradients are bit for bit those of a recorded pass.
 */
class ReplayedPass {
  readonly #rows: DeviceRows;
  /** Lasts: a loss in pooled memory would take what another captured pass works in between. */
  readonly #loss: Tensor;
  #runs = 0;
  #commands: CapturedCommands | null = null;
  #withGradient: Tensor[] = [];
  /** Which contributions have come before the command of a number. */
  #contributions = new Map<number, Tensor[]>();

  constructor(
    private readonly model: TrainableModel,
    rows: HostRows,
    private readonly device: Device,
    private readonly pass: GradientPass,
    lossShape: Shape,
  ) {
    this.#rows = withoutScope(() => upload(rows, device));
    this.#loss = withoutScope(() => full(lossShape, 0, { device }));
  }

  run(rows: HostRows, onGradient: OnGradient | undefined): Tensor {
    this.#write(rows);
    if (this.#commands === null && ++this.#runs <= WARM_UP_RUNS) return this.pass(this.#rows, onGradient);
    if (!this.#replay(onGradient)) {
      this.#capture();
      for (const parameter of [...this.#contributions.values()].flat()) onGradient?.(parameter);
    }
    return this.#loss.alias();
  }

  #replay(onGradient: OnGradient | undefined): boolean {
    if (this.#commands === null) return false;
    // Before the commands are recorded: whoever is told about a gradient finds it.
    const given = this.#withGradient.filter(({ grad }) => grad === null);
    for (const parameter of given) parameter.grad = withoutScope(() => parameter.gradDestination!.alias());
    const tell = (parameters: readonly Tensor[]) => () => parameters.forEach((parameter) => onGradient!(parameter));
    const between = onGradient && new Map([...this.#contributions].map(([at, some]) => [at, tell(some)]));
    if (this.#commands.replay(between)) return true;
    for (const parameter of given) {
      parameter.grad!.dispose();
      parameter.grad = null;
    }
    return false;
  }

  /** What reads gradients back must not be among the captured commands: who came when is written down for the replays. */
  #capture(): void {
    this.#commands = null;
    this.#contributions = new Map();
    this.#commands = this.device.backend.capture((position) => {
      const noteGradient = (parameter: Tensor): void => {
        const some = this.#contributions.get(position()) ?? [];
        this.#contributions.set(position(), [...some, parameter]);
      };
      tidy(() => assign(this.#loss, this.pass(this.#rows, noteGradient).detach()));
    });
    this.#withGradient = Object.values(this.model.parameters()).filter(({ grad }) => grad !== null);
  }

  #write({ ids, targets, docRange }: HostRows): void {
    assign(this.#rows.ids, ids);
    assign(this.#rows.targets, targets);
    if (this.#rows.docRange) assign(this.#rows.docRange, docRange!);
  }

  dispose(): void {
    for (const held of [this.#loss, ...Object.values(this.#rows)]) held?.dispose();
    this.#commands = null;
  }
}

/** Rows of a batch on the host. */
export interface HostRows {
  readonly rows: number;
  readonly T: number;
  readonly ids: Int32Array;
  readonly targets: Int32Array;
  readonly docRange: Int32Array | null;
}

/** Rows `first .. first + rows - 1` of a batch. */
export function rowsOf({ T, ids, targets, docRange }: HostBatch, first: number, rows: number): HostRows {
  const part = (data: Int32Array, width: number): Int32Array => data.slice(first * width, (first + rows) * width);
  return { rows, T, ids: part(ids, T), targets: part(targets, T), docRange: docRange && part(docRange, 2 * T) };
}

/** New tensors with the rows' values. */
export function upload({ rows, T, ids, targets, docRange }: HostRows, device: Device): DeviceRows {
  return {
    ids: tensor(ids, { shape: [rows, T], device }),
    targets: tensor(targets, { shape: [rows, T], device }),
    docRange: docRange && tensor(docRange, { shape: [rows, T, 2], device }),
  };
}

const passes = new WeakMap<TrainableModel, Map<string, ReplayedPass>>();

/** Sums of the losses of a batch's parts, in memory that lasts between captured passes. */
const totals = new WeakMap<TrainableModel, Tensor>();

/** f32 of a shape, for a model whose passes are replayed, set to 0. */
export function lossTotal(model: TrainableModel, device: Device, shape: Shape): Tensor {
  let total = totals.get(model);
  if (total?.rank !== shape.length) {
    total?.dispose();
    total = withoutScope(() => full(shape, 0, { device }));
    totals.set(model, total);
  }
  return assign(total, 0);
}

/** Whether the passes of a model can be replayed: its device captures, its commands are the same in every step. */
export function isReplayable(model: TrainableModel, device: Device): boolean {
  const hasMemory = Object.values(model.parameters()).every(({ gradDestination }) => gradDestination !== null);
  return model.hasStaticSteps === true && hasMemory && device.backend.canReplay;
}

/**
 * The loss of some rows, with their gradients added to the parameters': recorded at first, replayed later.
 *
 * @param lossShape of what the pass returns
 * @param key what the pass depends on besides the rows' shape; the same key means the same commands
 */
export function replayedLoss(
  model: TrainableModel,
  rows: HostRows,
  key: string,
  device: Device,
  pass: GradientPass,
  lossShape: Shape,
  onGradient?: OnGradient,
): Tensor {
  const known = passes.get(model) ?? new Map<string, ReplayedPass>();
  passes.set(model, known);
  const name = `${key} ${rows.rows} ${rows.T} ${rows.docRange !== null}`;
  let entry = known.get(name);
  if (!entry) {
    entry = new ReplayedPass(model, rows, device, pass, lossShape);
    known.set(name, entry);
    const [oldest] = known.keys();
    if (known.size > MAX_PASSES) {
      known.get(oldest)!.dispose();
      known.delete(oldest);
    }
  }
  return entry.run(rows, onGradient);
}

/** Frees what replays of a model hold. Call before the model is disposed of. */
export function forgetReplays(model: TrainableModel): void {
  for (const entry of passes.get(model)?.values() ?? []) entry.dispose();
  passes.delete(model);
  totals.get(model)?.dispose();
  totals.delete(model);
}
