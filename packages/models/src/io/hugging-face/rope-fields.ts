import { CheckpointError } from '@modajs/tensor';
import type { DecoderConfigInput } from '../../config/decoder-config.ts';
import type { RopeScaling } from '../../config/rope-scaling.ts';
import type { CheckedConfig } from './checked-config.ts';

/** What a family's rotation starts from. */
interface RopeDefaults {
  readonly theta: number;
  /** Sizes that are read already. */
  readonly headDim: number;
  readonly seqLen: number;
  /** Other keys of theta and of the part that rotates, at the top of the file. */
  readonly thetaKey?: string;
  readonly partKey?: string;
  /** Part of a head that rotates by default; absent where the family turns whole heads only. */
  readonly part?: number;
  /** Phi 3: `su` and `yarn` are older names of `longrope`. */
  readonly isLong?: boolean;
  /** Positions of the first training where the scaling does not say, and, for Phi 3, even where it does. */
  readonly trainedLength?: number;
}

type RopeFields = Required<Pick<DecoderConfigInput, 'ropeTheta' | 'ropeScaling' | 'rotaryDim'>>;

/**
 * Older files keep `rope_theta` at the top and scaling in `rope_scaling`, newer ones both in `rope_parameters`; some have
 * all three. They must agree.
 *
 * Reference: transformers, `modeling_rope_utils.py`.
 */
export function readRope(config: CheckedConfig, defaults: RopeDefaults): RopeFields {
  const { thetaKey = 'rope_theta', partKey = 'partial_rotary_factor' } = defaults;
  const thetas: number[] = [];
  const parts: number[] = [];
  const scalings: (RopeScaling | null)[] = [];
  const take = (place: CheckedConfig, theta: string, part: string): void => {
    if (place.has(theta)) thetas.push(place.positive(theta));
    if (defaults.part === undefined) place.mustBe(part, 1);
    else if (place.has(part)) parts.push(place.positive(part));
  };
  take(config, 'rope_theta', 'partial_rotary_factor');
  if (thetaKey !== 'rope_theta') take(config, thetaKey, partKey);
  for (const place of [config.mapping('rope_parameters'), config.mapping('rope_scaling')]) {
    if (!place) continue;
    take(place, 'rope_theta', 'partial_rotary_factor');
    scalings.push(readScaling(config, place, defaults));
    place.finish();
  }
  agree('rope_theta', thetas);
  agree('partial_rotary_factor', parts);
  agree(
    'rope_scaling',
    scalings.map((scaling) => JSON.stringify(scaling)),
  );
  const rotaryDim = Math.trunc(defaults.headDim * (parts[0] ?? defaults.part ?? 1));
  return {
    ropeTheta: thetas[0] ?? defaults.theta,
    ropeScaling: scalings[0] ?? null,
    rotaryDim: rotaryDim === defaults.headDim ? null : rotaryDim,
  };
}

function agree(key: string, values: readonly (string | number)[]): void {
  if (values.every((value) => value === values[0])) return;
  throw new CheckpointError(
    `config.json: ${key} must be one in all places, got ${values.join(' and ')}. Keep the right one.`,
    { key, value: values },
  );
}

const kinds = {
  default: 'default',
  linear: 'linear',
  dynamic: 'dynamic',
  llama3: 'llama3',
  yarn: 'yarn',
  longrope: 'longrope',
} as const;
const longKinds = { ...kinds, su: 'longrope', yarn: 'longrope' } as const;

/** The scaling that a mapping describes; null for none. */
function readScaling(config: CheckedConfig, place: CheckedConfig, defaults: RopeDefaults): RopeScaling | null {
  const table: Readonly<Record<string, (typeof kinds)[keyof typeof kinds]>> = defaults.isLong ? longKinds : kinds;
  const key = place.has('rope_type') ? 'rope_type' : 'type';
  const kind = place.choice(key, table, 'default');
  // Some files say it under both names.
  for (const other of ['rope_type', 'type']) {
    if (place.has(other) && place.choice(other, table, 'default') !== kind) {
      throw place.wrong(other, place.choice(other, table, 'default'), `${kind}, as ${key} says`, 'Keep the right one.');
    }
  }
  switch (kind) {
    case 'default':
      // Only scaled rotations read it.
      place.ignore('original_max_position_embeddings');
      return null;
    case 'linear':
      place.ignore('original_max_position_embeddings');
      return { kind, factor: place.positive('factor') };
    case 'dynamic':
      place.ignore('original_max_position_embeddings');
      return { kind, factor: place.positive('factor'), trainedLength: defaults.seqLen };
    case 'llama3':
      return {
        kind,
        factor: place.positive('factor'),
        lowFrequencyFactor: place.positive('low_freq_factor'),
        highFrequencyFactor: place.positive('high_freq_factor'),
        trainedLength: trainedLength(config, place, defaults),
      };
    case 'yarn':
      return readYarn(config, place, defaults);
    case 'longrope':
      return readLongRope(config, place, defaults);
  }
}

/** Positions of the first training: of the scaling, of the file's top (which wins where both are and Phi 3 asks), or all. */
function trainedLength(
  config: CheckedConfig,
  place: CheckedConfig,
  { seqLen, trainedLength: own, isLong }: RopeDefaults,
): number {
  const key = 'original_max_position_embeddings';
  const inside = place.has(key) ? place.count(key) : null;
  const outside = config.has(key) ? config.count(key) : null;
  if (isLong) return outside ?? own ?? seqLen;
  if (inside !== null && outside !== null) agree(key, [inside, outside]);
  return inside ?? outside ?? seqLen;
}

function readYarn(config: CheckedConfig, place: CheckedConfig, defaults: RopeDefaults): RopeScaling {
  const length = trainedLength(config, place, defaults);
  const factor = place.positive('factor', defaults.seqLen / length);
  const [mscale, allDim] = ['mscale', 'mscale_all_dim'].map((key) => (place.has(key) ? place.positive(key) : null));
  const grown = (m: number): number => (factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1);
  return {
    kind: 'yarn',
    factor,
    attentionFactor: place.positive('attention_factor', mscale && allDim ? grown(mscale) / grown(allDim) : grown(1)),
    betaFast: place.positive('beta_fast', 32),
    betaSlow: place.positive('beta_slow', 1),
    isTruncated: place.flag('truncate', true),
    trainedLength: length,
  };
}

function readLongRope(config: CheckedConfig, place: CheckedConfig, defaults: RopeDefaults): RopeScaling {
  const length = trainedLength(config, place, defaults);
  const factor = place.positive('factor', defaults.seqLen / length);
  const own = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(length));
  return {
    kind: 'longrope',
    shortFactors: place.positives('short_factor'),
    longFactors: place.positives('long_factor'),
    attentionFactor: place.positive('attention_factor', own),
    trainedLength: length,
  };
}

/** A rotation for global layers and one for local ones (Gemma 3, OLMo 3): `rope_parameters` has a mapping for each. */
export function readTwoRopes(
  config: CheckedConfig,
  defaults: RopeDefaults,
  local: { readonly theta: number; readonly thetaKey?: string },
): RopeFields & { readonly localTheta: number } {
  const both = config.mapping('rope_parameters');
  const [full, sliding] = ['full_attention', 'sliding_attention'].map((key) => both?.mapping(key) ?? null);
  both?.finish();
  const old = config.mapping('rope_scaling');
  const theta = config.positive('rope_theta', defaults.theta);
  const own = local.thetaKey === undefined ? local.theta : config.positive(local.thetaKey, local.theta);
  let scaling: RopeScaling | null = null;
  let ropeTheta = theta;
  for (const place of [full, old]) {
    if (!place) continue;
    ropeTheta = place.positive('rope_theta', ropeTheta);
    place.mustBe('partial_rotary_factor', 1);
    const said = readScaling(config, place, defaults);
    if (said && scaling) agree('rope_scaling', [JSON.stringify(scaling), JSON.stringify(said)]);
    scaling ??= said;
    place.finish();
  }
  if (full && config.has('rope_theta') && full.has('rope_theta'))
    agree('rope_theta', [full.positive('rope_theta'), theta]);
  let localTheta = own;
  if (sliding) {
    localTheta = sliding.positive('rope_theta', own);
    sliding.mustBe('partial_rotary_factor', 1);
    for (const key of ['rope_type', 'type']) sliding.mustBe(key, 'default');
    sliding.finish();
  }
  return { ropeTheta, ropeScaling: scaling, rotaryDim: null, localTheta };
}
