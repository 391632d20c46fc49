import type { DepthConfig, DepthInput } from '../depth/mechanisms.ts';
import type { BlockConfig } from './block-config.ts';
import type { EarlierDepthFields } from './earlier-depth-fields.ts';

/** Everything that fixes a decoder's parameters and computation. Make one with `defineDecoderConfig`. */
export interface DecoderConfig extends BlockConfig {
  /** How information of earlier blocks reaches a later one, with every option of that mechanism. */
  readonly depth: DepthConfig;
}

/**
 * The fields that have no sensible default, and any others that differ from theirs. `depth` is the name of a mechanism or a mapping
 * of its kind and options: `'moda'`, `{ kind: 'moda', slots: 8 }`.
 */
export type DecoderConfigInput = Partial<BlockConfig> &
  Pick<BlockConfig, 'nLayers' | 'nHeads' | 'dModel' | 'vocabSize'> & {
    readonly depth?: DepthInput;
  } & EarlierDepthFields;
