import { ConfigError, nearestKey, shown } from '@modajs/tensor';
import { completeDepth } from '../depth/complete-depth.ts';
import { type DepthConfig, mechanismOf, mechanisms } from '../depth/mechanisms.ts';
import type { BlockConfig } from './block-config.ts';
import { fieldRules } from './config-fields.ts';
import type { DecoderConfig, DecoderConfigInput } from './decoder-config.ts';
import { nestDepth } from './earlier-depth-fields.ts';
import { refuseConfig } from './refuse-config.ts';

type FieldName = keyof BlockConfig;

const required = ['nLayers', 'nHeads', 'dModel', 'vocabSize'] as const;

/**
 * Completes and checks a decoder's configuration. Left out: `nKvHeads` = nHeads, `headDim` = dModel / nHeads,
 * `dFf` = 4 dModel, `seqLen` 512; OLMo 2's block (reordered RMSNorm, QK-norm over all heads, RoPE, SwiGLU, no biases,
 * tied embeddings) with `depth: { kind: 'residual' }`, and the defaults of the mechanism that `depth` names. Depth options in their
 * earlier, flat form (`depthFfnProjection`, ...) are read as before (`nestDepth`).
 *
 * @throws ConfigError for an unknown key (with the nearest valid one), a value of the wrong kind, or a contradiction
 */
export function defineDecoderConfig(input: DecoderConfigInput): DecoderConfig {
  const { depth: givenDepth, ...fields } = nestDepth({ ...input });
  const given: Record<string, unknown> = fields;
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(fieldRules, key)) throw unknownKey(key);
    if (value === undefined) delete given[key];
    else checkField(key as FieldName, value);
  }
  for (const key of required) {
    if (!(key in given))
      throw new ConfigError(`config: ${key} must be given, got nothing. Add it; it has no default.`, { key });
  }
  const { nHeads, dModel } = input;
  const depth: DepthConfig = completeDepth(givenDepth === undefined ? 'residual' : givenDepth);
  const block: BlockConfig = {
    nKvHeads: nHeads,
    headDim: dModel / nHeads,
    dFf: 4 * dModel,
    seqLen: 512,
    norm: 'reordered',
    normKind: 'rms',
    normEps: 1e-6,
    qkNorm: 'full',
    bias: false,
    biasMaps: 'all',
    tieEmbeddings: true,
    activation: 'swiglu',
    parallelBlocks: false,
    embeddingScale: 1,
    residualScale: 1,
    logitScale: 1,
    logitSoftcap: null,
    positions: 'rope',
    ropeTheta: 500_000,
    ropeScaling: null,
    localRopeTheta: null,
    rotaryDim: null,
    nopeLayers: [],
    ropeInterleaved: false,
    softmaxScale: null,
    softmaxScaleByLayer: false,
    attentionSoftcap: null,
    window: null,
    localLayers: input.window == null ? [] : Array.from({ length: input.nLayers }, (_, layer) => layer),
    ...(given as unknown as Partial<BlockConfig> & Pick<BlockConfig, (typeof required)[number]>),
  };
  checkField('headDim', block.headDim);
  checkConsistency(block);
  checkRotation(block);
  checkDepth(block, depth);
  return Object.freeze({ ...block, depth });
}

function unknownKey(key: string): ConfigError {
  const keys = [...Object.keys(fieldRules), 'depth'];
  const nearest = nearestKey(key, keys);
  const cure = nearest ? `Did you mean ${nearest}?` : `Valid keys: ${keys.join(', ')}.`;
  return new ConfigError(`config: every key must be a field of DecoderConfig, got '${key}'. ${cure}`, { key, nearest });
}

function checkField(key: FieldName, value: unknown): void {
  const { expected, accepts } = fieldRules[key];
  if (accepts(value)) return;
  const cure = key === 'headDim' ? 'Set headDim, or a dModel that nHeads divides.' : 'Change the value.';
  throw new ConfigError(`config: ${key} must be ${expected}, got ${shown(value)}. ${cure}`, { key, value });
}

/** The smallest divisors of `n`, at most `count` of them below 1,000. */
function firstDivisors(n: number, count: number): number[] {
  const divisors: number[] = [];
  for (let d = 1; d <= Math.min(n, 1000) && divisors.length < count; d++) if (n % d === 0) divisors.push(d);
  return divisors;
}

function checkConsistency(config: BlockConfig): void {
  const { nHeads, nKvHeads, norm } = config;
  if (nHeads % nKvHeads !== 0) {
    const divisors = firstDivisors(nHeads, 12);
    refuseConfig(
      'nHeads must be a multiple of nKvHeads',
      { nHeads, nKvHeads },
      `Set nKvHeads to ${divisors.join(', ')}.`,
    );
  }
  const { window, localLayers, parallelBlocks } = config;
  if ((window === null) !== (localLayers.length === 0)) {
    refuseConfig(
      'window and localLayers must be given together',
      { window, localLayers },
      'Set window to null and localLayers to [], or both to what the local layers see and which they are.',
    );
  }
  if (config.biasMaps !== 'all' && !config.bias) {
    refuseConfig('biasMaps needs biases', { bias: false, biasMaps: config.biasMaps }, 'Set bias to true.');
  }
  if (parallelBlocks && norm !== 'pre') {
    refuseConfig('parallelBlocks needs norms before the sub-layers', { parallelBlocks, norm }, "Set norm to 'pre'.");
  }
}

/** What depends on the layers' numbers and the components that rotate. */
function checkRotation(config: BlockConfig): void {
  const { nLayers, headDim, positions, rotaryDim, ropeScaling, nopeLayers, localRopeTheta, localLayers } = config;
  for (const key of ['nopeLayers', 'localLayers'] as const) {
    if (config[key].some((layer) => layer >= nLayers)) {
      refuseConfig(`${key} must be below nLayers`, { nLayers, [key]: config[key] }, 'Layers count from 0.');
    }
  }
  if (positions !== 'rope') {
    const given = { rotaryDim, ropeScaling, localRopeTheta };
    for (const [key, value] of Object.entries({ ...given, nopeLayers: nopeLayers.length > 0 ? nopeLayers : null })) {
      if (value !== null)
        refuseConfig(`${key} needs rotary positions`, { positions, [key]: value }, "Set positions to 'rope'.");
    }
    return;
  }
  const rotated = rotaryDim ?? headDim;
  if (rotated % 2 !== 0 || rotated > headDim) {
    const [field, most] = rotaryDim === null ? ['headDim', ''] : ['rotaryDim', ` and at most headDim=${headDim}`];
    refuseConfig(
      `${field} must be even${most} for rotary positions`,
      { [field]: rotated },
      rotaryDim === null ? 'Use an even headDim.' : `Set rotaryDim to an even number of at most ${headDim}.`,
    );
  }
  if (localRopeTheta !== null && localLayers.length === 0) {
    refuseConfig('localRopeTheta needs local layers', { localRopeTheta, localLayers }, 'Set localRopeTheta to null.');
  }
  if (ropeScaling?.kind === 'dynamic' && rotated < 4) {
    refuseConfig(
      'dynamic scaling needs at least two pairs that rotate',
      { ropeScaling, rotaryDim: rotated },
      'Rotate more.',
    );
  }
  if (ropeScaling?.kind === 'longrope') {
    for (const key of ['shortFactors', 'longFactors'] as const) {
      if (2 * ropeScaling[key].length === rotated) continue;
      refuseConfig(
        `ropeScaling.${key} must hold one factor for each of ${rotated / 2} pairs`,
        { ropeScaling },
        `It holds ${ropeScaling[key].length}.`,
      );
    }
  }
}

/** What a mechanism asks of the rest, and the rest of a mechanism. */
function checkDepth(config: BlockConfig, depth: DepthConfig): void {
  const { parallelBlocks, norm } = config;
  const mechanism = mechanismOf(depth);
  const { kind, residualSum } = mechanism;
  if (parallelBlocks && residualSum !== 'kept') {
    const known = mechanisms.filter((one) => one.residualSum === 'kept').map((one) => `'${one.kind}'`);
    refuseConfig(
      `parallelBlocks needs depth ${known.join(', ')}`,
      { depth: kind, parallelBlocks },
      'Set parallelBlocks to false.',
    );
  }
  if (norm === 'post' && residualSum === 'replaced') {
    refuseConfig(
      `depth '${kind}' has no single residual sum to normalise`,
      { depth: kind, norm },
      "Set norm to 'pre' or 'reordered'.",
    );
  }
  mechanism.check?.(config, depth);
}
