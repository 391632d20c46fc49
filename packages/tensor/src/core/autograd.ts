import {
  type Destination,
  gradientDestination,
  isSameMemory,
  type Like,
  type PendingGradients,
  withPending,
} from './destination.ts';
import { isFloat } from './dtype.ts';
import { AutogradError, DeviceError, DTypeError, ShapeError } from './errors.ts';
import { type ParameterRole, parameterRoles } from './parameter-role.ts';
import { tidy, withoutScope } from './scope.ts';
import { formatShape, sameShape } from './shape.ts';
import type { Hold } from './shared.ts';
import { allocateTensor, livingTensor, Tensor, writesSoFar } from './tensor.ts';
import { callback, checkOptions, type OptionChecks, oneOf, refusePromise, type Synchronous } from './value-checks.ts';

/** Gradients of a node's outputs, in order; null where nothing depends on that output. */
export type Gradients = readonly (Tensor | null)[];

/** Where the gradient of input `input` goes, in the shape of `like`: see `gradientDestination`. Asked for once; write it and return its tensor. */
export type DestinationOf = (input: number, like: Like, orF32?: boolean) => Destination;

type BackwardFunction = (
  gradients: Gradients,
  saved: readonly Tensor[],
  needs: readonly boolean[],
  destination: DestinationOf,
) => Gradients;

/** What a backward pass tells as it goes. */
export interface BackwardOptions {
  /**
   * Called each time a parameter's `grad` has received a contribution, while the rest of the pass is still to come: once for
   * each use of the parameter. Recomputed functions (`checkpoint`) also tell about leaves of their own.
   */
  readonly onGradient?: (parameter: Tensor) => void;
}

const BACKWARD_OPTIONS: OptionChecks<BackwardOptions> = { onGradient: callback };

let nextSequence = 1;
let recording = true;
let onGradient: BackwardOptions['onGradient'];

/**
 * One recorded operator, or a parameter. Nodes are counted like storage: output tensors and later nodes hold one
 * reference each, so a graph that nobody runs backward is freed with its tensors.
 */
export class GradNode {
  readonly sequence = nextSequence++;
  #references = 1;
  #consumed = false;

  /** Nodes of the inputs; null where no gradient is wanted. */
  readonly inputs: (GradNode | null)[];
  /** Which output of its node each input was. */
  readonly inputOutputs: number[];
  /** How many tensors it made: so many gradients its backward function gets, null where nothing depends on one. */
  outputCount = 1;
  /** Its gradient is its input's, in another shape: what backward writes to one is the other's. */
  isView = false;
  /** Where the gradient of output 0 should go, from the saved tensors; asked for once. */
  preferredDestination: ((saved: readonly Tensor[]) => Tensor | null) | null = null;
  #holds: Hold[] = [];

  constructor(
    inputs: readonly (GradNode | null)[],
    inputOutputs: readonly number[],
    private saved: readonly Tensor[],
    private run: BackwardFunction | null,
    /** The parameter whose gradient arrives here; it accumulates. */
    readonly leaf: Tensor | null = null,
    /** A node that runs even when no gradient tensor arrives: its gradient lives elsewhere. */
    readonly alwaysRuns = false,
  ) {
    this.inputs = [...inputs];
    this.inputOutputs = [...inputOutputs];
    for (const input of inputs) input?.retain();
  }

  /** Older nodes that must run after this one although no gradient tensor goes to them. */
  addDependencies(nodes: readonly GradNode[]): void {
    for (const node of nodes) {
      this.inputs.push(node.retain());
      this.inputOutputs.push(0);
    }
  }

  /** Something that backward needs beside the saved tensors; given up with them. */
  hold(share: Hold): void {
    this.#holds.push(share);
  }

  retain(): this {
    this.#references++;
    return this;
  }

  release(): void {
    // Iterative: a chain of a thousand operators must not become a thousand stack frames.
    const pending: GradNode[] = [this];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      node.#references--;
      if (node.#references > 0) continue;
      node.free();
      for (const input of node.inputs) if (input !== null) pending.push(input);
    }
  }

  /** Drops what backward would have needed. */
  free(): void {
    for (const tensor of this.saved) tensor.dispose();
    this.saved = [];
    this.run = null;
    this.preferredDestination = null;
    const holds = this.#holds;
    this.#holds = [];
    for (const share of holds) share.dispose();
  }

  /** A handle on the preferred destination of an output's gradient, for the first who asks; null without one. */
  takePreferredDestination(output: number): Tensor | null {
    if (output !== 0 || this.preferredDestination === null) return null;
    const memory = this.preferredDestination(this.saved);
    this.preferredDestination = null;
    return memory;
  }

  backward(gradients: Gradients): Gradients {
    if (this.run === null || this.#consumed) {
      throw new AutogradError('backward: a graph runs backward once, got a second call. Compute the loss again.');
    }
    for (const tensor of this.saved) if (tensor.isOverwritten) throw overwritten(tensor);
    this.#consumed = true;
    const needs = this.inputs.map((input) => input !== null);
    const destination: DestinationOf = (input, like, orF32 = false) => gradientDestination(this, input, like, orF32);
    return this.run(gradients, this.saved, needs, destination);
  }
}

function overwritten({ shape }: Tensor): AutogradError {
  return new AutogradError(
    `backward: tensors that the graph needs must have the values that it was recorded with, got one of shape ${formatShape(shape)} that was written in place since, as by an optimizer's step. Run backward() before that, or compute the loss again.`,
    { shape },
  );
}

export function isRecording(): boolean {
  return recording;
}

/** Runs `body` without recording a graph. @throws ConfigError for a body that returns a promise */
export function noGrad<T>(body: () => Synchronous<T>): T {
  callback('noGrad', 'body', body);
  return withRecording(false, () =>
    refusePromise<T>('noGrad', body(), 'Await outside: noGrad ends before the promise does.'),
  );
}

export function withRecording<T>(on: boolean, body: () => T): T {
  const saved = recording;
  recording = on;
  try {
    return body();
  } finally {
    recording = saved;
  }
}

const knownRole = oneOf(...parameterRoles);

/**
 * Marks a tensor as a parameter: `backward` accumulates into its `grad`. Returns the tensor.
 *
 * @param role what it is in its model, which optimisers go by; without one they go by its rank and name
 * @throws AutogradError for results of operators; ConfigError for an unknown role
 */
export function asParameter(tensor: Tensor, role: ParameterRole | null = tensor?.role ?? null): Tensor {
  livingTensor('asParameter', 'tensor', tensor);
  if (role !== null) knownRole('asParameter', 'role', role);
  if (tensor.node !== null) {
    if (tensor.node.leaf === tensor) {
      tensor.role = role;
      return tensor;
    }
    throw new AutogradError(
      'asParameter: a parameter must not be the result of recorded operators. Use detach() first.',
    );
  }
  if (!isFloat(tensor.dtype)) {
    throw new AutogradError(`asParameter: parameters must be floats, got ${tensor.dtype}.`);
  }
  tensor.node = new GradNode([], [], [], () => [], tensor);
  tensor.role = role;
  return tensor;
}

/**
 * Connects `outputs` to `inputs` in the graph when anything requires a gradient. Internal to operators.
 *
 * @param saved tensors that `backward` receives as live handles, whatever happens to the originals
 * @param backward from the outputs' gradients to the inputs'; runs unrecorded in a scope of its own; `needs[i]` is false
 *   when nobody wants input i's gradient. It may return its arguments. `destination(i, like)` gives the memory
 *   of input i's gradient, to add to or to overwrite, and return.
 */
export function record(
  outputs: readonly Tensor[],
  inputs: readonly (Tensor | null)[],
  saved: readonly Tensor[],
  backward: BackwardFunction,
): void {
  if (!recording || !inputs.some((input) => input?.node)) return;
  attach(outputs, makeNode({ inputs, saved, backward }));
}

/** An input of a node: the node that made it, null where no gradient is wanted, and which of that node's outputs it was. Tensors are edges. */
export interface Edge {
  readonly node: GradNode | null;
  readonly outputIndex: number;
}

/** What `makeNode` makes a node of. */
export interface NodeOptions {
  readonly inputs: readonly (Edge | null)[];
  /** Tensors that `backward` receives as live handles, whatever happens to the originals. */
  readonly saved: readonly Tensor[];
  readonly backward: BackwardFunction;
  /** Run it even when no gradient tensor arrives: its gradient lives elsewhere. */
  readonly alwaysRuns?: boolean;
}

/** A node that is in the graph once it is attached to outputs, or an input of another. The caller has its first reference. */
export function makeNode({ inputs, saved, backward, alwaysRuns = false }: NodeOptions): GradNode {
  if (replayWrites !== null) {
    refuseWritten(replayWrites, inputs);
    refuseWritten(replayWrites, saved);
  }
  const kept = withoutScope(() => saved.map((tensor) => tensor.alias()));
  for (const tensor of kept) tensor.markSaved();
  const nodes = inputs.map((input) => input?.node ?? null);
  const outputs = inputs.map((input) => input?.outputIndex ?? 0);
  return new GradNode(nodes, outputs, kept, backward, null, alwaysRuns);
}

/** Writes in place that lie between the first run of a checkpointed function and its replay. */
interface ReplayWrites {
  /** `writesSoFar` when the first run ended, and when the replay began. */
  readonly first: number;
  readonly last: number;
}

let replayWrites: ReplayWrites | null = null;

/** Runs `body`, the replay of a function whose first run ended at `first`; inside another replay that one's writes count. */
export function withReplayWrites<T>(first: number, body: () => T): T {
  const saved = replayWrites;
  replayWrites ??= { first, last: writesSoFar() };
  try {
    return body();
  } finally {
    replayWrites = saved;
  }
}

/** @throws AutogradError when a replay uses a tensor that has other values than in the first run */
function refuseWritten({ first, last }: ReplayWrites, used: readonly (Edge | null)[]): void {
  for (const tensor of used) {
    if (!(tensor instanceof Tensor) || tensor.writtenAt <= first || tensor.writtenAt > last) continue;
    throw new AutogradError(
      `checkpoint: tensors that the function uses must keep their values until backward() has run, got one of shape ${formatShape(tensor.shape)} that was written in place since, as by an optimizer's step. Run backward() before that, or compute the loss again.`,
      { shape: tensor.shape },
    );
  }
}

/** Gives `outputs` the node. The node's first reference passes to the first output. */
export function attach(outputs: readonly Tensor[], node: GradNode): void {
  node.outputCount = outputs.length;
  outputs.forEach((output, index) => {
    output.node = index === 0 ? node : node.retain();
    output.outputIndex = index;
  });
}

/**
 * Runs the graph of `loss` backward: every parameter's `grad` grows by d loss / d parameter. Consumes the graph.
 *
 * @param gradient d L / d loss, same shape; 1 when absent, for which loss must have one element
 * @throws AutogradError when loss depends on no parameter or was used before; ShapeError
 */
export function backward(loss: Tensor, gradient?: Tensor, options: BackwardOptions = {}): void {
  livingTensor('backward', 'loss', loss).device.requireOpen('backward');
  checkOptions('backward', options, BACKWARD_OPTIONS);
  if (gradient !== undefined) checkSeed(loss, gradient);
  if (loss.node === null) {
    throw new AutogradError(
      'backward: the loss must depend on a parameter, got one that does not. Call asParameter() on the weights, outside noGrad().',
    );
  }
  if (gradient === undefined && loss.size !== 1) {
    throw new ShapeError(
      `backward: without a gradient the loss must have one element, got ${formatShape(loss.shape)}. Take sum() or mean().`,
    );
  }
  const seed = withoutScope(() => gradient?.alias() ?? one(loss));
  const saved = onGradient;
  onGradient = options.onGradient;
  try {
    runBackward([{ node: loss.node, output: loss.outputIndex, gradient: seed }], 0);
  } finally {
    onGradient = saved;
  }
}

/** @throws ShapeError | DTypeError | DeviceError unless the gradient is like the loss */
function checkSeed(loss: Tensor, gradient: Tensor): void {
  livingTensor('backward', 'gradient', gradient);
  if (gradient.device !== loss.device) {
    throw new DeviceError(
      `backward: the gradient must be on the loss's device ${loss.device}, got ${gradient.device}.`,
    );
  }
  if (gradient.dtype !== loss.dtype) {
    throw new DTypeError(
      `backward: the gradient must be ${loss.dtype} as the loss, got ${gradient.dtype}. Use cast().`,
    );
  }
  if (!sameShape(gradient.shape, loss.shape)) {
    throw new ShapeError(
      `backward: the gradient must have the loss's shape ${formatShape(loss.shape)}, got ${formatShape(gradient.shape)}.`,
    );
  }
}

function one(like: Tensor): Tensor {
  const seed = allocateTensor(like.device, like.shape, like.dtype);
  like.device.backend.fill(seed.view, 1);
  return seed;
}

/** Where a backward pass starts. Takes over the gradient handle; null for a node that always runs. */
export interface BackwardRoot {
  readonly node: GradNode;
  readonly output: number;
  readonly gradient: Tensor | null;
}

/** A backward pass under way. The replay of a checkpoint runs one of its own inside another. */
interface BackwardPass {
  readonly pending: PendingGradients;
  /** Nodes with a smaller `sequence` are none of this pass. */
  readonly boundary: number;
  readonly seen: Set<GradNode>;
  /** Nodes to run, the newest last. */
  readonly rest: GradNode[];
}

let currentPass: BackwardPass | null = null;

/**
 * Runs all nodes reachable from `roots` with `sequence >= boundary`, newest first. Parameters accumulate whatever their age. What
 * arrives at older nodes goes on in the pass around this one: a checkpointed function may use tensors that are none of its inputs.
 */
export function runBackward(roots: readonly BackwardRoot[], boundary: number): void {
  const around = currentPass;
  const pass: BackwardPass = { pending: new Map(), boundary, seen: new Set(), rest: [] };
  const { pending, rest } = pass;
  currentPass = pass;
  try {
    withRecording(false, () =>
      withoutScope(() =>
        withPending(pending, () => {
          addReachable(
            pass,
            roots.map(({ node }) => node),
          );
          for (const root of roots) if (root.gradient !== null) deposit(pending, root.node, root.output, root.gradient);
          for (let node = rest.pop(); node !== undefined; node = rest.pop()) runNode(node, pending);
        }),
      ),
    );
  } catch (error) {
    for (const gradients of pending.values()) for (const gradient of gradients) gradient?.dispose();
    throw error;
  } finally {
    currentPass = around;
  }
  if (around !== null)
    withoutScope(() => {
      for (const [node, gradients] of pending) passOn(around, node, gradients);
    });
}

/** Gives a pass gradients of a node that it may not have known of. The node is older than any that has run. */
function passOn(pass: BackwardPass, node: GradNode, gradients: Gradients): void {
  addReachable(pass, [node]);
  gradients.forEach((gradient, output) => {
    if (gradient !== null) deposit(pass.pending, node, output, gradient);
  });
}

/** Adds nodes, and those that they depend on, to a pass. */
function addReachable({ boundary, seen, rest }: BackwardPass, nodes: readonly GradNode[]): void {
  const stack: GradNode[] = [];
  const find = (node: GradNode): void => {
    if (seen.has(node) || (node.leaf === null && node.sequence < boundary)) return;
    seen.add(node);
    stack.push(node);
  };
  nodes.forEach(find);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    rest.push(node);
    for (const input of node.inputs) if (input !== null) find(input);
  }
  rest.sort((a, b) => a.sequence - b.sequence);
}

/** Whether any of `others` is `node`, or one of those that it depends on. */
export function dependsOn(node: GradNode, others: readonly GradNode[]): boolean {
  const seen = new Set<GradNode>([node]);
  for (const each of seen) for (const input of each.inputs) if (input !== null) seen.add(input);
  return others.some((other) => seen.has(other));
}

function runNode(node: GradNode, pending: PendingGradients): void {
  const gradients = pending.get(node);
  pending.delete(node);
  if (node.leaf !== null) return;
  if (gradients === undefined && !node.alwaysRuns) {
    node.free();
    return;
  }
  const incoming = Array.from({ length: node.outputCount }, (_, output) => gradients?.[output] ?? null);
  let results: Gradients;
  try {
    results = tidy(() => node.backward(incoming));
  } catch (error) {
    for (const gradient of incoming) gradient?.dispose();
    throw error;
  }
  // A backward function may return its argument, or one tensor twice: every slot gets a handle of its own, before the first of them
  // is given away, for a sum consumes it.
  const taken = new Set<Tensor | null>(incoming);
  const handles = results.map((result) => {
    const own = result !== null && taken.has(result) ? result.alias() : result;
    taken.add(result);
    return own;
  });
  handles.forEach((handle, index) => {
    if (handle === null) return;
    const input = node.inputs[index];
    if (input === null) handle.dispose();
    else deposit(pending, input, node.inputOutputs[index], handle);
  });
  for (const gradient of incoming) gradient?.dispose();
  node.free();
}

function deposit(pending: PendingGradients, node: GradNode, output: number, gradient: Tensor): void {
  if (node.leaf !== null) {
    accumulateInto(node.leaf, gradient);
    onGradient?.(node.leaf);
    return;
  }
  const slots = pending.get(node) ?? [];
  pending.set(node, slots);
  while (slots.length < output) slots.push(null);
  const present = slots[output] ?? null;
  slots[output] = present === null ? gradient : addGradients(present, gradient);
}

/** present + more, in place when `present` has its memory to itself. Consumes both handles. */
function addGradients(present: Tensor, more: Tensor): Tensor {
  const inPlace = present.hasNoOverlappingAlias && present.isContiguous;
  const target = inPlace ? present : allocateTensor(present.device, present.shape, present.dtype);
  present.device.backend.binary('add', present.view, more.view, target.view);
  more.dispose();
  if (!inPlace) present.dispose();
  return target;
}

/** Adds a gradient to a parameter's; consumes the handle. The dtypes may differ: the parameter's `grad` has its own. */
function accumulateInto(leaf: Tensor, gradient: Tensor): void {
  const { backend } = leaf.device;
  const { gradDestination: memory } = leaf;
  leaf.grad?.markOverwritten();
  if (memory !== null && isSameMemory(gradient, memory)) {
    leaf.grad ??= memory.alias();
    gradient.dispose();
    return;
  }
  if (leaf.grad === null && memory === null && canKeep(leaf, gradient)) {
    leaf.grad = gradient;
    return;
  }
  if (leaf.grad === null) {
    leaf.grad = memory?.alias() ?? allocateTensor(leaf.device, leaf.shape, leaf.dtype);
    backend.copy(gradient.view, leaf.grad.view);
  } else if (gradient.dtype === leaf.grad.dtype) {
    backend.binary('add', leaf.grad.view, gradient.view, leaf.grad.view);
  } else {
    const same = allocateTensor(leaf.device, leaf.shape, leaf.grad.dtype);
    backend.copy(gradient.view, same.view);
    backend.binary('add', leaf.grad.view, same.view, leaf.grad.view);
    same.dispose();
  }
  gradient.dispose();
}

function canKeep(leaf: Tensor, gradient: Tensor): boolean {
  return gradient.dtype === leaf.dtype && gradient.storage.isExclusive && gradient.isContiguous;
}
