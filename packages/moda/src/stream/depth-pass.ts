import { AutogradError, assign, type DepthReading, ShapeError, type Tensor, tidy, withoutScope } from '@modajs/tensor';
import { shown } from '@modajs/tensor/checks';
import { currentCheckpoint, type GradNode, isRecording, makeNode, Shared } from '@modajs/tensor/extend';
import { skipSlots } from './skip-slots.ts';
import { SlotGradients } from './slot-gradients.ts';
import { disposeSegments, openSegments, type Segment, type SlotLayout, segmentViews, slotOf } from './slot-segments.ts';

/**
 * The slots of one forward pass: every slot is written once and read in place (the replay of a checkpoint writes the same numbers again).
 * Held by its arena until that writes the next pass, and by the nodes that will read it in their backward pass: the memory goes when the
 * last of them has run or is released.
 *
 * A slot's writer is a node of the graph with inputs k and v and no output tensor. Readers list the writers of their slots among their own
 * inputs, so a writer runs after all of its slot's readers; it runs although no gradient tensor arrives (`alwaysRuns`), and takes the
 * slot's gradient from `gradients`.
 */
export class DepthPass extends Shared {
  readonly gradients: SlotGradients;
  readonly #segments: readonly Segment[];
  readonly #writers: (GradNode | null)[];
  readonly #isWritten: boolean[];
  #written = 0;
  /**
   * Whether this pass holds references to `#writers`. After `dispose` (the arena has begun its next pass, or is gone) it does not: writers
   * that a checkpoint's replay makes are then held by the node of that checkpoint.
   */
  #ownsWriters = true;

  /** @throws OutOfMemoryError | DTypeError */
  constructor(private readonly layout: SlotLayout) {
    super();
    this.#writers = new Array<GradNode | null>(layout.slots).fill(null);
    this.#isWritten = new Array<boolean>(layout.slots).fill(false);
    this.#segments = withoutScope(() => openSegments(layout, layout.dtype));
    this.gradients = new SlotGradients(layout);
  }

  /** Slots `0 .. written - 1` hold values. */
  get written(): number {
    return this.#written;
  }

  isWritten(slot: number): boolean {
    return this.#isWritten[slot];
  }

  /** Whether a gradient will be asked for any of the first `count` slots. */
  isRecorded(count: number): boolean {
    return this.#writers.slice(0, count).some((node) => node !== null);
  }

  /** Handles on a slot's memory. */
  slot(slot: number): { k: Tensor; v: Tensor } {
    return slotOf(this.#segments, slot, this.layout);
  }

  /**
   * Puts keys and values into a slot, and its writer into the graph. In the unrecorded first run of a checkpoint the checkpoint's node is the
   * writer; its replay makes the writers that take the gradients, and runs them.
   */
  write(slot: number, k: Tensor, v: Tensor): void {
    this.#copy(slot, { k, v });
    const { dtype } = k; // k itself may be gone when backward runs
    const checkpoint = currentCheckpoint();
    let writer: GradNode | null = null;
    if (isRecording() && (k.node || v.node)) {
      const backward = (): (Tensor | null)[] => this.gradients.takeGradient(slot, dtype);
      writer = makeNode({ inputs: [k, v], saved: [], backward, alwaysRuns: true });
      writer.hold(this.gradients.hold());
      checkpoint?.wrote(writer);
    } else if (checkpoint !== null) {
      writer = checkpoint.asWriter();
      writer.hold(this.gradients.hold());
    }
    this.#setWriter(slot, writer);
  }

  /** Copies into a slot what is not there already. */
  #copy(slot: number, from: { readonly k: Tensor; readonly v: Tensor }): void {
    withoutScope(() => {
      const target = this.slot(slot);
      for (const part of ['k', 'v'] as const) {
        const [source, to] = [from[part], target[part]];
        const isThere = source.storage === to.storage && source.offset === to.offset && source.isContiguous;
        if (!isThere) tidy(() => assign(to, source.detach()));
        to.dispose();
      }
    });
  }

  /** Takes over a reference of the node. */
  #setWriter(slot: number, writer: GradNode | null): void {
    this.#isWritten[slot] = true;
    while (this.#isWritten[this.#written]) this.#written++;
    if (writer) this.gradients.registerWriter(slot);
    if (this.#ownsWriters) this.#writers[slot]?.release();
    else writer?.release();
    this.#writers[slot] = writer;
  }

  /** Slots `skip .. count - 1`. @throws ShapeError when one of them is not written */
  read(count: number, skip: number): DepthReading {
    const { device, slots, T } = this.layout;
    if (!(Number.isInteger(count) && Number.isInteger(skip) && 0 <= skip && skip <= count && count <= this.#written)) {
      throw new ShapeError(
        `depthArena.read: 0 <= skip <= count <= slots written must hold, got skip=${shown(skip)}, count=${shown(count)}, written=${this.#written} of ${slots}. Write the slots first.`,
        { skip, count, written: this.#written, slots },
      );
    }
    const S = count - skip;
    const writers = [...new Set(this.#writers.slice(skip, count).filter((node) => node !== null))];
    // Each reader that will run backward is counted once. Outside a checkpoint it is recorded now (under noGrad it is not, and never runs
    // backward). Inside one it comes again in the replay, and once more for each checkpoint around that one; the first time is counted.
    const checkpoint = currentCheckpoint();
    const isCounted = checkpoint === null ? isRecording() : !checkpoint.isReplay;
    if (writers.length > 0 && isCounted) this.gradients.countReader(S);
    const segments = (): ReturnType<typeof skipSlots> => skipSlots(segmentViews(this.#alive()), skip);
    return {
      device,
      S,
      Td: T,
      get segments() {
        return segments();
      },
      gradients: writers.length > 0 ? this.gradients.of(skip, S) : null,
      writers,
      keepFor: (node) => {
        node.hold(this.hold());
        node.hold(this.gradients.hold());
      },
    };
  }

  #alive(): readonly Segment[] {
    if (!this.isFreed) return this.#segments;
    throw new AutogradError(
      'depthArena: slots must be alive to be read, got a reading whose slots were disposed of or written again. Read the stream anew.',
    );
  }

  /** Begins with the first `count` slots of another pass: copies, whose gradients are added to those of the originals. */
  copySlotsOf(from: DepthPass, count: number): void {
    for (let slot = 0; slot < count; slot++) {
      if (!from.isWritten(slot)) continue;
      const own = withoutScope(() => from.slot(slot));
      this.#copy(slot, own);
      own.k.dispose();
      own.v.dispose();
      this.#setWriter(slot, this.#copyNode(from, slot));
    }
  }

  #copyNode(from: DepthPass, slot: number): GradNode | null {
    const original = from.#writers[slot];
    if (original === null) return null;
    const backward = (): (Tensor | null)[] => {
      from.gradients.add(slot, this.gradients.takeGradient(slot, 'f32'));
      return [null];
    };
    const inputs = [{ node: original, outputIndex: 0 }];
    const node = makeNode({ inputs, saved: [], backward, alwaysRuns: true });
    node.hold(this.gradients.hold());
    node.hold(from.gradients.hold());
    return node;
  }

  /** The arena lets go: what no graph will read is freed. */
  override dispose(): void {
    if (this.#ownsWriters) for (const writer of this.#writers) writer?.release();
    this.#ownsWriters = false;
    super.dispose();
  }

  protected free(): void {
    disposeSegments(this.#segments);
    this.gradients.dispose();
  }
}
