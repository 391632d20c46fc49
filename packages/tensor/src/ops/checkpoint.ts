import {
  asParameter,
  attach,
  type BackwardRoot,
  type GradNode,
  isRecording,
  makeNode,
  noGrad,
  runBackward,
  withRecording,
  withReplayWrites,
} from '../core/autograd.ts';
import { tidy, withoutScope } from '../core/scope.ts';
import type { Shared } from '../core/shared.ts';
import { livingTensor, type Tensor, writesSoFar } from '../core/tensor.ts';
import { callback, refusePromise } from '../core/value-checks.ts';
import { checkOperandList } from './checks.ts';

/**
 * What a checkpointed function did besides returning. Some operators keep memory of their own that outlives a call and whose
 * gradients do not travel along the graph's tensors (a depth stream). A function may read such memory: the nodes that wrote it are
 * dependencies of the checkpoint's node. It may write some: after its first run the checkpoint's node stands for the writer; the replay
 * makes the nodes that take the gradients, and runs them. The replay must work on the memory that the first run worked on.
 */
export class CheckpointFrame {
  readonly #dependencies = new Set<GradNode>();
  readonly writers: GradNode[] = [];
  /** The memory that the function worked on, by its owner. */
  readonly #memory = new Map<object, Shared>();
  /** What `once` gave, in order, and of a replay how many of them it has asked for. */
  readonly #values: number[] = [];
  #valuesAsked = 0;
  /** What puts an owner back as it was before the replay. */
  readonly #restores = new Map<object, () => void>();

  constructor(
    readonly node: GradNode,
    /** The frame of the first run, when this one is a replay of it. */
    private readonly first: CheckpointFrame | null = null,
    /** The frame around it. */
    private readonly outer: CheckpointFrame | null = null,
  ) {}

  /** The memory of an owner that a replay works on: that of its first run; null in a first run. */
  replayed(owner: object): Shared | null {
    const own = this.first === null ? null : this.first.#memory.get(owner);
    return own ?? this.outer?.replayed(owner) ?? null;
  }

  /** Keeps an owner's memory for the replay; false when the function has worked on other memory of it before. */
  uses(owner: object, memory: Shared): boolean {
    const known = this.#memory.get(owner);
    if (known) return known === memory;
    this.#memory.set(owner, memory);
    if (this.first === null) this.node.hold(memory.hold());
    return true;
  }

  /** Whether this is a second run of a function, or a first run inside one. */
  get isReplay(): boolean {
    return this.first !== null || (this.outer?.isReplay ?? false);
  }

  /**
   * Of a replay, for an owner whose state the function changes (the position in a stream): `restore` is called when the replay ends, so that
   * `backward` leaves the owner as it was. Only the first of an owner counts. Nothing happens in a first run.
   */
  restoreAfter(owner: object, restore: () => void): void {
    if (this.first === null) this.outer?.restoreAfter(owner, restore);
    else if (!this.#restores.has(owner)) this.#restores.set(owner, restore);
  }

  /**
   * A number that is another at each call, as that of a module's random draws: `next()` in the first run, and in the replay what the
   * first run got.
   */
  once(next: () => number): number {
    if (this.first !== null && this.#valuesAsked < this.first.#values.length) {
      return this.first.#values[this.#valuesAsked++];
    }
    const value = this.outer === null ? next() : this.outer.once(next);
    this.#values.push(value);
    return value;
  }

  dependsOn(nodes: readonly GradNode[]): void {
    for (const node of nodes) if (node !== this.node) this.#dependencies.add(node);
  }

  wrote(node: GradNode): void {
    this.writers.push(node.retain());
  }

  /** A reference of its node, as that which wrote memory; a replay around it must run that node too. */
  asWriter(): GradNode {
    this.outer?.wrote(this.node);
    return this.node.retain();
  }

  /** Of a replay that has ended: puts owners back, and gives up the writers. */
  release(): void {
    for (const restore of this.#restores.values()) restore();
    for (const writer of this.writers.splice(0)) writer.release();
  }

  get dependencies(): readonly GradNode[] {
    return [...this.#dependencies];
  }
}

let active: CheckpointFrame | null = null;

export function currentCheckpoint(): CheckpointFrame | null {
  return active;
}

function inFrame<T>(frame: CheckpointFrame, body: () => T): T {
  const saved = active;
  active = frame;
  try {
    return body();
  } finally {
    active = saved;
  }
}

/**
 * Activation checkpointing: runs `body(inputs)` without keeping what its backward pass needs and runs it again then
 * (Chen et al., "Training deep nets with sublinear memory cost", 2016). `body` must compute the same both times; random
 * numbers do, for their position is explicit. Parameters it uses accumulate as usual, slots of a depth stream that it writes too; a body
 * that writes to a stream rewinds it to its own first slot when it begins. Tensors that it uses without being given them get their
 * gradients as well, and must be alive when `backward` runs, with the values that they had: it throws an AutogradError for those that
 * `assign` or an optimiser's step has written since.
 *
 * @param body pure but for such slots; returns one tensor
 */
export function checkpoint(body: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[]): Tensor {
  callback('checkpoint', 'body', body);
  if (!Array.isArray(inputs) || inputs.length > 0) checkOperandList('checkpoint', 'inputs', inputs);
  if (!isRecording()) return tidy(() => oneResult(body(...inputs)));
  // The node exists before the body runs, so that memory written inside can name it as its writer.
  const dependencies: GradNode[] = [];
  // Asked now: at the time of the backward pass the inputs themselves may be gone.
  const needs = inputs.map((input) => input.node !== null);
  let writes = 0;
  const node = makeNode({
    inputs,
    saved: inputs,
    backward: ([dOut], saved) => [
      ...withReplayWrites(writes, () => replay(body, saved, needs, dOut ?? null, frame)),
      ...dependencies.map(() => null),
    ],
    alwaysRuns: true,
  });
  const frame = new CheckpointFrame(node, null, active);
  const run = (): Tensor => oneResult(body(...inputs.map((input) => input.detach())));
  let out: Tensor;
  try {
    // A handle of its own: the body may return an input, or a tensor that has its place in the graph already.
    out = tidy(() => noGrad(() => inFrame(frame, run)).detach());
  } catch (error) {
    node.release();
    throw error;
  }
  writes = writesSoFar();
  dependencies.push(...frame.dependencies);
  node.addDependencies(dependencies);
  attach([out], node);
  return out;
}

/** What a body returned. @throws ConfigError unless it is one tensor */
function oneResult(result: Tensor): Tensor {
  return livingTensor('checkpoint', "the body's result", refusePromise('checkpoint', result, 'Await before it.'));
}

function replay(
  body: (...inputs: Tensor[]) => Tensor,
  saved: readonly Tensor[],
  needs: readonly boolean[],
  dOut: Tensor | null,
  first: CheckpointFrame,
): (Tensor | null)[] {
  const leaves = saved.map((tensor, i) => (needs[i] ? asParameter(tensor.detach()) : tensor.detach()));
  const frame = new CheckpointFrame(first.node, first, active);
  const start = first.node.sequence;
  try {
    const out = withRecording(true, () => inFrame(frame, () => body(...leaves)));
    const roots: BackwardRoot[] = frame.writers.map((writer) => ({ node: writer, output: 0, gradient: null }));
    if (out.node && dOut)
      roots.push({ node: out.node, output: out.outputIndex, gradient: withoutScope(() => dOut.alias()) });
    runBackward(roots, start + 1);
  } finally {
    frame.release();
  }
  return leaves.map((leaf) => leaf.grad?.detach() ?? null);
}
