import { flag, oneOf } from '../../config/field-rule.ts';
import type { DepthOption } from '../depth-mechanism.ts';

/** Options of MoDA, whichever positions a query sees slots of. */
export interface ModaOptions {
  /** Whether every block also writes keys and values projected from its FFN's input. */
  readonly ffnProjection: boolean;
  /** Whether the attention's slot gets its own projection instead of reusing k and v. */
  readonly attentionProjection: boolean;
  /** Whether the last block has depth projections, though nobody reads its slots (the paper's layer study counts them). */
  readonly lastProjection: boolean;
  /** Which key norm depth keys get: none, the writing block's, or the reading block's. */
  readonly keyNorm: 'none' | 'writer' | 'reader';
  /** Whether depth keys carry the rotary embedding of their position. */
  readonly rope: 'none' | 'shared';
}

/** Sequence keys and the slots of the own position under one softmax. */
export interface ModaDepth extends ModaOptions {
  readonly kind: 'moda';
  /**
   * Each head adds g times what depth slots change, with a learned g that starts at 0: a pretrained model that is given depth
   * attention computes at first what it did before.
   */
  readonly gate: boolean;
  /** A block reads at most this many slots (the paper's section 6.2); null reads all. */
  readonly slots: number | null;
  /**
   * Which slots a bounded stream keeps: `recency` the newest; `score` those of the highest learned score, for each position
   * and key/value head; `both` the newest half (rounded up) and the best-scored of the older ones.
   */
  readonly slotsBy: 'recency' | 'score' | 'both';
}

/** As MoDA, with the slots of all positions of the query's chunk up to its own. */
export interface ModaChunkDepth extends ModaOptions {
  readonly kind: 'moda-chunk-visible';
  /** C: positions of a chunk; 1 is MoDA. */
  readonly chunk: number;
}

/** Rules and defaults of `ModaOptions`: keys with the writer's norm and RoPE, so that a slot is the layer's own k and v. */
export const modaOptions: { readonly [option in keyof ModaOptions]: DepthOption<ModaOptions[option]> } = {
  ffnProjection: { rule: flag, default: true },
  attentionProjection: { rule: flag, default: false },
  lastProjection: { rule: flag, default: false },
  keyNorm: { rule: oneOf('none', 'writer', 'reader'), default: 'writer' },
  rope: { rule: oneOf('none', 'shared'), default: 'shared' },
};
