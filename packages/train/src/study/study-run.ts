import type { DecoderConfig } from '@modajs/models';
import type { RunConfig } from '../config/run-config.ts';
import type { AttentionByLayer } from '../run/attention-by-layer.ts';

/** A varied setting's value. */
export type VariedValue = number | string | boolean | null;

/** Which run of a study this is. */
export interface StudyRunKey {
  /** Unique in the study, also its folder: `sweep/pre.moda/optimizer.lr=0.004,seed=1`. */
  readonly key: string;
  readonly phase: string;
  /** `group/name`, or the name in a study without groups. */
  readonly variant: string;
  /** Varied settings by dotted key, without the seed. */
  readonly values: Readonly<Record<string, VariedValue>>;
  readonly seed: number;
}

/** What must be equal in two runs that are compared. */
export interface StudyInputs {
  /** SHA-256 over what decides which tokens come in which order: sources, their tokens, lengths, weights, seed. */
  readonly dataOrder: string;
  /** SHA-256 of the held-out tokens. */
  readonly heldOut: string;
  /** SHA-256 of the tokenizer's file. */
  readonly tokenizer: string;
  /** Tokens trained on in all. */
  readonly tokens: number;
  /** Tokens of one optimiser step. */
  readonly tokensPerStep: number;
}

/** Loss of held-out text. */
export interface StudyLoss {
  /** Nats per token. */
  readonly loss: number;
  readonly bitsPerByte: number;
  /** The same by corpus; empty when there is one. */
  readonly corpora: Readonly<Record<string, { readonly loss: number; readonly bitsPerByte: number }>>;
}

/** One run of a study and all that was measured. */
export interface StudyRun extends StudyRunKey {
  /** `diverged`: the guard stopped it, or its loss is not finite; `failed`: it threw. */
  readonly status: 'finished' | 'diverged' | 'failed';
  /** Why it did not finish; of a finished one, why `measures` are missing. */
  readonly error: string | null;
  readonly config: RunConfig;
  readonly model: DecoderConfig;
  /** Null for a run that failed before its data was read. */
  readonly inputs: StudyInputs | null;
  readonly parameters: number;
  /** Forward FLOPs of one token at the training length. */
  readonly flopsPerToken: number;
  /** Optimiser steps done. */
  readonly steps: number;
  /** Last training loss. */
  readonly loss: number | null;
  readonly heldOut: StudyLoss | null;
  /** Training loss, `[step, nats per token]`. */
  readonly curve: readonly (readonly [number, number])[];
  /** Held-out loss on the way, `[step, nats per token]`. */
  readonly heldOutCurve: readonly (readonly [number, number])[];
  /** Bits per byte by domain (`perplexity/c4`) and of the right answer by task (`task/piqa`). */
  readonly measures: Readonly<Record<string, number>>;
  /** Where its attention goes; null when it was not measured. */
  readonly depth: AttentionByLayer | null;
  /** Median over the logged steps; null before the first. */
  readonly tokensPerSecond: number | null;
  /** Most device memory in use at a logged step, in bytes. */
  readonly deviceBytes: number | null;
  /** Training, evaluation, and everything of the run, in seconds. */
  readonly seconds: { readonly training: number; readonly evaluation: number; readonly total: number };
  readonly device: string;
  readonly writtenBy: Readonly<Record<string, string>>;
}

/** What a study set out to do. */
export interface StudyPlanRecord {
  /** In order; the last one's runs are the result. */
  readonly phases: readonly {
    readonly name: string;
    readonly seeds: readonly number[];
    /** Dotted keys whose value is each variant's best of an earlier phase, with that phase. */
    readonly best: Readonly<Record<string, string>>;
    /** The key whose grid grows until the best value has a neighbour on either side; null for a fixed grid. */
    readonly extend: string | null;
  }[];
  /** In order. */
  readonly variants: readonly {
    readonly variant: string;
    readonly group: string;
    /** The variant its losses are compared with; itself for a baseline. */
    readonly baseline: string;
    /** Settings besides the model's that differ from the baseline's, by dotted key: `[baseline's, own]`. */
    readonly differences: Readonly<Record<string, readonly [VariedValue, VariedValue]>>;
    /** Parameters above (below, when negative) those of the variant that its FFN width was matched to; null when it was not. */
    readonly matched: { readonly variant: string; readonly dFf: number; readonly remainder: number } | null;
  }[];
}

/** Contents of `study.json`. */
export interface StudyFile {
  readonly format: 'moda-study';
  readonly version: 1;
  readonly name: string;
  readonly plan: StudyPlanRecord;
  readonly runs: readonly StudyRun[];
  /** Text of the file that described the study. */
  readonly source: string;
}
