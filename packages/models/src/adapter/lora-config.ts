import { ConfigError, nearestKey, shown } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { decoderSpecs } from '../parameters/decoder-specs.ts';
import type { ParameterSpecs } from '../parameters/parameter-spec.ts';

/** What a LoRA adapter is, beside its values. */
export interface LoraConfig {
  /** Inner size r of `B A`. */
  readonly rank: number;
  /** `B A` is multiplied by alpha / rank. */
  readonly alpha: number;
  /** Names of the maps that are adapted, in all blocks, such as `q_proj`; `all-linear` for every one. */
  readonly targets: readonly string[];
  /** Divides alpha by the square root of the rank instead (rank-stabilised LoRA). */
  readonly rankStabilized: boolean;
}

/** The factor of `B A`. */
export function loraScale({ rank, alpha, rankStabilized }: LoraConfig): number {
  return alpha / (rankStabilized ? Math.sqrt(rank) : rank);
}

/** Maps of a block that may be adapted, by our names. */
const ADAPTABLE = /^model\.layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj|depth\.(attn|ffn)_kv_proj)$/;

/** Linear maps of a model that may be adapted: name without `.weight` to `[outputs, inputs]`. */
export function adaptableMaps(config: DecoderConfig): ReadonlyMap<string, readonly [number, number]> {
  const maps = new Map<string, readonly [number, number]>();
  for (const [name, { shape }] of Object.entries(decoderSpecs(config))) {
    const map = name.replace(/\.weight$/, '');
    if (map !== name && ADAPTABLE.test(map)) maps.set(map, [shape[0], shape[1]]);
  }
  return maps;
}

/** Last part of a map's name. */
const partOf = (map: string): string => map.slice(map.lastIndexOf('.') + 1);

/**
 * The maps that an adapter adapts.
 *
 * @throws ConfigError for a target that the model does not have, with the nearest one; for a rank or alpha out of range
 */
export function adaptedMaps(config: DecoderConfig, lora: LoraConfig): ReadonlyMap<string, readonly [number, number]> {
  const { rank, alpha, targets } = lora;
  if (!Number.isSafeInteger(rank) || rank < 1) {
    throw new ConfigError(`lora: rank must be a whole number above 0, got ${shown(rank)}. Use 8 or 16.`, { rank });
  }
  if (!(alpha > 0 && alpha < Infinity)) {
    throw new ConfigError(`lora: alpha must be a number above 0, got ${shown(alpha)}. Use twice the rank.`, { alpha });
  }
  const all = adaptableMaps(config);
  const known = [...new Set([...all.keys()].map(partOf))];
  const wanted = new Set(targets.includes('all-linear') ? known : targets);
  for (const target of wanted) {
    if (known.includes(target)) continue;
    const nearest = nearestKey(target, known);
    const cure = nearest === null ? `There are ${known.join(', ')}, and all-linear.` : `Did you mean ${nearest}?`;
    throw new ConfigError(`lora: targets must be maps of the model, got ${target}. ${cure}`, { target, nearest });
  }
  if (wanted.size === 0) {
    throw new ConfigError(`lora: targets must name a map, got none. There are ${known.join(', ')}.`);
  }
  return new Map([...all].filter(([map]) => wanted.has(partOf(map))));
}

/** Parameters of an adapter: `<map>.lora_A.weight` `[rank, inputs]`, random, and `<map>.lora_B.weight` `[outputs, rank]`, zero. */
export function loraSpecs(config: DecoderConfig, lora: LoraConfig): ParameterSpecs {
  const specs: ParameterSpecs = {};
  for (const [map, [outputs, inputs]] of adaptedMaps(config, lora)) {
    // The variance of PEFT's uniform numbers between +-1/sqrt(inputs).
    const std = 1 / Math.sqrt(3 * inputs);
    specs[`${map}.lora_A.weight`] = { shape: [lora.rank, inputs], role: 'matrix', init: { kind: 'normal', std } };
    specs[`${map}.lora_B.weight`] = {
      shape: [outputs, lora.rank],
      role: 'matrix',
      init: { kind: 'constant', value: 0 },
    };
  }
  return specs;
}
