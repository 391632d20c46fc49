import {
  AutogradError,
  cast,
  concat,
  equal,
  full,
  greaterEqual,
  min,
  mul,
  noGrad,
  reshape,
  ShapeError,
  type SlotTensors,
  slice,
  slotTensors,
  type Tensor,
  tidy,
  unsqueeze,
  where,
  zeros,
} from '@modajs/tensor';
import {
  checkOperands,
  checkOptions,
  floatOnly,
  isOneDevice,
  type OptionChecks,
  positive,
  rankIs,
  sameDType,
  shapeIs,
  whole,
  wholeNumber,
} from '@modajs/tensor/checks';
import { currentCheckpoint } from '@modajs/tensor/extend';
import type { SlotStream } from './slot-stream.ts';

/** Components that a key grows by: its score, and zeros so that rows stay multiples of 16 bytes. */
const EXTRA = 8;
/** An age that no slot reaches. */
const NEVER = 1e9;

/** How many slots a scored stream keeps. */
export interface ScoredStreamOptions {
  /** S: slots at most, by position and key/value head. */
  readonly keep: number;
  /** Of those, the newest ones that are kept whatever their score. */
  readonly recent: number;
}

const SCORED_OPTIONS: OptionChecks<ScoredStreamOptions> = { keep: whole(1), recent: whole() };

/** Slots `[n, B, T, Hkv, ..]` with their scores and ages, f32 `[n, B, T, Hkv]`. */
interface Slots {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly score: Tensor;
  readonly age: Tensor;
}

/**
 * A depth stream bounded to S slots by learned score (the paper's section 6.2): each position and key/value head keeps its
 * `recent` newest slots and, of the older ones, those of the highest score. The score s is part of the slot's logit,
 * `scale q . k + s`, so that it learns from every read of the slot; what is dropped gets no gradient. Equal scores keep the
 * newer slot: with all scores zero the stream is the one bounded by recency. A slot that was dropped never returns, and
 * keeping the best S so far is the best S of all: no more than S slots are ever held (and what a backward pass needs).
 * Keys are extended by the score, queries by 1/scale (`query`), so any attention kernel computes the biased logits.
 *
 * Reference: arXiv 2603.15619, section 6.2; Raposo et al., "Mixture-of-Depths", arXiv 2404.02258 (a router's weight in the
 * path that it selects); Shazeer et al., arXiv 1701.06538 (top-k gates).
 */
export class ScoredStream implements SlotStream {
  readonly hasScores = true;
  #count = 0;
  #recent: Slots[] = [];
  #best: Slots | null = null;
  #reading: SlotTensors | null = null;

  /** @throws ConfigError unless 0 <= recent <= keep and keep >= 1 */
  constructor(readonly options: ScoredStreamOptions) {
    checkOptions('scoredStream', options, SCORED_OPTIONS, ['keep', 'recent']);
    wholeNumber('scoredStream', 'recent', options.recent, 0, options.keep);
  }

  /** Slots written so far. */
  get count(): number {
    return this.#count;
  }

  /** Slots held. */
  get held(): number {
    return (this.#best?.k.shape[0] ?? 0) + this.#recent.length;
  }

  /**
   * Adds a slot, and drops the one of the lowest score where more than S would be held; differentiable in all three.
   *
   * @param k `[B, T, Hkv, D]`
   * @param v `[B, T, Hkv, Dv]`
   * @param score `[B, T, Hkv]`
   * @throws ShapeError | DTypeError | DeviceError; also for a slot unlike those held; AutogradError in a checkpointed function
   */
  write(k: Tensor, v: Tensor, score: Tensor): void {
    this.#checkSlot(k, v, score);
    if (currentCheckpoint() !== null) {
      throw new AutogradError(
        'scoredStream.write: slots must be written outside checkpointed functions, which run twice, got a write inside one. Return keys, values and scores from the function, or use a DepthStream.',
      );
    }
    const { keep, recent } = this.options;
    const slot = extendedSlot(k, v, score, this.#count++);
    this.#recent.push(slot);
    if (this.#recent.length <= recent) return;
    const candidate = this.#recent.shift()!;
    if (keep > recent) this.#keepBest(candidate);
    else dispose(candidate);
  }

  /** None: slots are kept or dropped after they were written. */
  nextSlot(): null {
    return null;
  }

  /** None: readers' queries are extended. */
  queryDestination(_H: number): null {
    return null;
  }

  /** The slots held, for `depthAttention` with `query`'s queries. Valid until the next read. */
  read(): SlotTensors {
    this.#requireSlots('scoredStream.read');
    this.#release();
    const { k, v } = this.#stacked();
    this.#reading = slotTensors(k, v);
    return this.#reading;
  }

  /** Extended keys `[B, T, Hkv, D + 8]` of the slots held: those kept by score, then the newest, oldest first. */
  keys(): Tensor[] {
    if (this.held === 0) return [];
    const { k } = this.#stacked();
    return Array.from({ length: k.shape[0] }, (_, slot) =>
      reshape(slice(k, [slot, 0, 0, 0, 0], [slot + 1, ...k.shape.slice(1)]), k.shape.slice(1)),
    );
  }

  /** Queries `[B, T, H, D]` extended to meet scored keys under a softmax of that scale. */
  query(q: Tensor, scale: number): Tensor {
    const device = checkOperands('scoredStream.query', { q });
    floatOnly('scoredStream.query', q);
    rankIs('scoredStream.query', 'q', q, '[B, T, H, D]');
    positive('scoredStream.query', 'scale', scale);
    const [B, T, H] = q.shape;
    const options = { dtype: q.dtype, device };
    return tidy(() => concat([q, full([B, T, H, 1], 1 / scale, options), zeros([B, T, H, EXTRA - 1], options)], 3));
  }

  #requireSlots(operation: string): void {
    if (this.held > 0) return;
    throw new ShapeError(`${operation}: there must be at least one slot, got none. Write to the stream first.`);
  }

  #checkSlot(k: Tensor, v: Tensor, score: Tensor): void {
    const operation = 'scoredStream.write';
    const device = checkOperands(operation, { k, v, score });
    floatOnly(operation, k);
    sameDType(operation, k, v, score);
    rankIs(operation, 'k', k, '[B, T, Hkv, D]');
    const [B, T, Hkv, D] = k.shape;
    rankIs(operation, 'v', v, '[B, T, Hkv, Dv]');
    const Dv = v.shape[3];
    shapeIs(operation, 'v', v.shape, [B, T, Hkv, Dv], '[B, T, Hkv, Dv]');
    shapeIs(operation, 'score', score.shape, [B, T, Hkv], '[B, T, Hkv]');
    const held = this.#recent[0] ?? this.#best;
    if (held === null) return;
    isOneDevice(operation, held.k.device, device);
    sameDType(operation, held.k, k);
    shapeIs(operation, 'k', [B, T, Hkv, D + EXTRA], held.k.shape.slice(1), 'as the slots held, 8 components more,');
    shapeIs(operation, 'v', v.shape, held.v.shape.slice(1), 'as the slots held');
  }

  #stacked(): { k: Tensor; v: Tensor } {
    const parts = [...(this.#best ? [this.#best] : []), ...this.#recent];
    if (parts.length === 1) return parts[0];
    const join = (name: 'k' | 'v'): Tensor =>
      concat(
        parts.map((part) => part[name]),
        0,
      );
    return { k: join('k'), v: join('v') };
  }

  #keepBest(candidate: Slots): void {
    const best = this.#best;
    if (best === null) {
      this.#best = candidate;
      return;
    }
    const isFull = best.k.shape[0] === this.options.keep - this.options.recent;
    this.#best = isFull ? replaced(best, candidate) : appended(best, candidate);
    dispose(best);
    dispose(candidate);
  }

  #release(): void {
    this.#reading?.release();
    this.#reading = null;
  }

  /** Gives the slots back; what a backward pass needs stays with the graph. */
  dispose(): void {
    this.#release();
    for (const slots of this.#recent) dispose(slots);
    if (this.#best) dispose(this.#best);
    this.#recent = [];
    this.#best = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A slot whose keys end in its score. */
function extendedSlot(k: Tensor, v: Tensor, score: Tensor, age: number): Slots {
  return tidy(() => {
    const [B, T, Hkv] = k.shape;
    const { device, dtype } = k;
    const padding = zeros([B, T, Hkv, EXTRA - 1], { dtype, device });
    return {
      k: unsqueeze(concat([k, unsqueeze(score, 3), padding], 3), 0),
      v: unsqueeze(v, 0),
      score: noGrad(() => unsqueeze(cast(score, 'f32'), 0)),
      age: full([1, B, T, Hkv], age, { device }),
    };
  });
}

function appended(slots: Slots, more: Slots): Slots {
  return tidy(() => {
    const join = (name: keyof Slots): Tensor => concat([slots[name], more[name]], 0);
    return { k: join('k'), v: join('v'), ...noGrad(() => ({ score: join('score'), age: join('age') })) };
  });
}

/** The slots with the worst of them (of equals, the oldest) replaced where the candidate is at least as good. */
function replaced(slots: Slots, candidate: Slots): Slots {
  return tidy(() => {
    const { mask, score, age } = noGrad(() => {
      const lowest = min(slots.score, { axes: [0], keepDims: true });
      const ages = where(equal(slots.score, lowest), slots.age, NEVER);
      const isVictim = equal(ages, min(ages, { axes: [0], keepDims: true }));
      const taken = mul(isVictim, greaterEqual(candidate.score, lowest));
      return {
        mask: cast(unsqueeze(taken, 4), slots.k.dtype),
        score: where(taken, candidate.score, slots.score),
        age: where(taken, candidate.age, slots.age),
      };
    });
    return { k: where(mask, candidate.k, slots.k), v: where(mask, candidate.v, slots.v), score, age };
  });
}

function dispose(slots: Slots): void {
  for (const tensor of Object.values(slots)) tensor.dispose();
}
