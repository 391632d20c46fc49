import { ConfigError, nearestKey, shown } from '@modajs/tensor';
import { fieldRules } from './config-fields.ts';
import type { DecoderConfig, DecoderConfigInput } from './decoder-config.ts';

type FieldName = keyof DecoderConfig;

const required = ['nLayers', 'nHeads', 'dModel', 'vocabSize'] as const;

/**
 * Completes and checks a decoder's configuration. Left out: `nKvHeads` = nHeads, `headDim` = dModel / nHeads,
 * `dFf` = 4 dModel, `seqLen` 512; OLMo 2's block (reordered RMSNorm, QK-norm over all heads, RoPE, SwiGLU, no biases,
 * tied embeddings) with `depth: 'residual'`. For `moda`, FFN projections are on, depth keys carry the writer's norm and RoPE.
 *
 * @throws ConfigError for an unknown key (with the nearest valid one), a value of the wrong kind, or a contradiction
 */
export function defineDecoderConfig(input: DecoderConfigInput): DecoderConfig {
  const given: Record<string, unknown> = { ...input };
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
  const isModa = input.depth === 'moda' || input.depth === 'moda-chunk-visible';
  const config: DecoderConfig = {
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
    depth: 'residual',
    depthFfnProjection: isModa,
    depthAttentionProjection: false,
    depthLastProjection: false,
    depthKeyNorm: 'writer',
    depthRope: 'shared',
    depthGate: false,
    depthChunk: 1,
    depthSlots: null,
    depthSlotsBy: 'recency',
    hyperStreams: 4,
    residualBlock: 2,
    ...(given as unknown as DecoderConfigInput),
  };
  checkField('headDim', config.headDim);
  checkConsistency(config);
  checkRotation(config);
  checkDepth(config);
  return Object.freeze(config);
}

function unknownKey(key: string): ConfigError {
  const nearest = nearestKey(key, Object.keys(fieldRules));
  const cure = nearest ? `Did you mean ${nearest}?` : `Valid keys: ${Object.keys(fieldRules).join(', ')}.`;
  return new ConfigError(`config: every key must be a field of DecoderConfig, got '${key}'. ${cure}`, { key, nearest });
}

function checkField(key: FieldName, value: unknown): void {
  const { expected, accepts } = fieldRules[key];
  if (accepts(value)) return;
  const cure = key === 'headDim' ? 'Set headDim, or a dModel that nHeads divides.' : 'Change the value.';
  throw new ConfigError(`config: ${key} must be ${expected}, got ${shown(value)}. ${cure}`, { key, value });
}

function refuse(rule: string, got: Partial<DecoderConfig>, cure: string): never {
  const values = Object.entries(got)
    .map(([key, value]) => `${key}=${shown(value)}`)
    .join(', ');
  throw new ConfigError(`config: ${rule}, got ${values}. ${cure}`, got);
}

/** The smallest divisors of `n`, at most `count` of them below 1,000. */
function firstDivisors(n: number, count: number): number[] {
  const divisors: number[] = [];
  for (let d = 1; d <= Math.min(n, 1000) && divisors.length < count; d++) if (n % d === 0) divisors.push(d);
  return divisors;
}

function checkConsistency(config: DecoderConfig): void {
  const { nHeads, nKvHeads, headDim, depth, depthChunk, depthSlots, norm } = config;
  if (nHeads % nKvHeads !== 0) {
    const divisors = firstDivisors(nHeads, 12);
    refuse('nHeads must be a multiple of nKvHeads', { nHeads, nKvHeads }, `Set nKvHeads to ${divisors.join(', ')}.`);
  }
  const { window, localLayers, parallelBlocks } = config;
  if ((window === null) !== (localLayers.length === 0)) {
    refuse(
      'window and localLayers must be given together',
      { window, localLayers },
      'Set window to null and localLayers to [], or both to what the local layers see and which they are.',
    );
  }
  if (config.biasMaps !== 'all' && !config.bias) {
    refuse('biasMaps needs biases', { bias: false, biasMaps: config.biasMaps }, 'Set bias to true.');
  }
  if (parallelBlocks && norm !== 'pre') {
    refuse('parallelBlocks needs norms before the sub-layers', { parallelBlocks, norm }, "Set norm to 'pre'.");
  }
  const isModa = depth === 'moda' || depth === 'moda-chunk-visible';
  for (const key of ['depthFfnProjection', 'depthAttentionProjection', 'depthLastProjection'] as const) {
    if (config[key] && !isModa) {
      refuse(`${key} needs depth 'moda' or 'moda-chunk-visible'`, { depth, [key]: true }, `Set ${key} to false.`);
    }
  }
  if (config.depthGate && depth !== 'moda') {
    refuse("depthGate needs depth 'moda'", { depth, depthGate: true }, 'Set depthGate to false.');
  }
  if (depthChunk !== 1 && depth !== 'moda-chunk-visible') {
    refuse("depthChunk needs depth 'moda-chunk-visible'", { depth, depthChunk }, 'Set depthChunk to 1.');
  }
  if (depthSlots !== null && depth !== 'moda') {
    refuse("depthSlots needs depth 'moda'", { depth, depthSlots }, 'Set depthSlots to null.');
  }
  if (config.depthSlotsBy !== 'recency' && depthSlots === null) {
    const { depthSlotsBy } = config;
    refuse('depthSlotsBy needs a bounded stream', { depthSlotsBy, depthSlots }, 'Set depthSlots to how many to keep.');
  }
  if (config.depthSlotsBy !== 'recency' && headDim > 248) {
    refuse('headDim must leave room for a score', { headDim }, 'Use a headDim of at most 248.');
  }
  if (depth === 'moda-chunk-visible' && config.depthKeyNorm === 'reader') {
    refuse(
      'a chunk-visible stream takes keys normalised by their writer',
      { depth, depthKeyNorm: 'reader' },
      "Set depthKeyNorm to 'writer' or 'none'.",
    );
  }
  if (norm === 'post' && streamMechanisms.has(depth)) {
    refuse(
      `depth '${depth}' has no single residual sum to normalise`,
      { depth, norm },
      "Set norm to 'pre' or 'reordered'.",
    );
  }
}

/** What depends on the layers' numbers and the components that rotate. */
function checkRotation(config: DecoderConfig): void {
  const { nLayers, headDim, positions, rotaryDim, ropeScaling, nopeLayers, localRopeTheta, localLayers } = config;
  for (const key of ['nopeLayers', 'localLayers'] as const) {
    if (config[key].some((layer) => layer >= nLayers)) {
      refuse(`${key} must be below nLayers`, { nLayers, [key]: config[key] }, 'Layers count from 0.');
    }
  }
  if (positions !== 'rope') {
    const given = { rotaryDim, ropeScaling, localRopeTheta };
    for (const [key, value] of Object.entries({ ...given, nopeLayers: nopeLayers.length > 0 ? nopeLayers : null })) {
      if (value !== null)
        refuse(`${key} needs rotary positions`, { positions, [key]: value }, "Set positions to 'rope'.");
    }
    return;
  }
  const rotated = rotaryDim ?? headDim;
  if (rotated % 2 !== 0 || rotated > headDim) {
    const [field, most] = rotaryDim === null ? ['headDim', ''] : ['rotaryDim', ` and at most headDim=${headDim}`];
    refuse(
      `${field} must be even${most} for rotary positions`,
      { [field]: rotated },
      rotaryDim === null ? 'Use an even headDim.' : `Set rotaryDim to an even number of at most ${headDim}.`,
    );
  }
  if (localRopeTheta !== null && localLayers.length === 0) {
    refuse('localRopeTheta needs local layers', { localRopeTheta, localLayers }, 'Set localRopeTheta to null.');
  }
  if (ropeScaling?.kind === 'dynamic' && rotated < 4) {
    refuse('dynamic scaling needs at least two pairs that rotate', { ropeScaling, rotaryDim: rotated }, 'Rotate more.');
  }
  if (ropeScaling?.kind === 'longrope') {
    for (const key of ['shortFactors', 'longFactors'] as const) {
      if (2 * ropeScaling[key].length === rotated) continue;
      refuse(
        `ropeScaling.${key} must hold one factor for each of ${rotated / 2} pairs`,
        { ropeScaling },
        `It holds ${ropeScaling[key].length}.`,
      );
    }
  }
}

/** Mechanisms that know nothing of a field are refused with it. */
function checkDepth(config: DecoderConfig): void {
  const { depth, parallelBlocks, attentionSoftcap, nopeLayers, localRopeTheta, nLayers } = config;
  if (parallelBlocks && !plainSumMechanisms.has(depth)) {
    const known = [...plainSumMechanisms].join("', '");
    refuse(`parallelBlocks needs depth '${known}'`, { depth, parallelBlocks }, 'Set parallelBlocks to false.');
  }
  const isModa = depth === 'moda' || depth === 'moda-chunk-visible';
  if (attentionSoftcap !== null && isModa) {
    refuse(
      'attentionSoftcap needs attention without depth slots',
      { depth, attentionSoftcap },
      "Set depth to 'depth-attention', which has a softmax of its own, or attentionSoftcap to null.",
    );
  }
  const turnsUnlike = localRopeTheta !== null || (nopeLayers.length > 0 && nopeLayers.length < nLayers);
  if (!turnsUnlike) return;
  if (depth === 'depth-value-mix') {
    const got = { depth, localRopeTheta, nopeLayers };
    refuse('depth-value-mix needs keys that turn alike in all layers', got, "Set depth to 'value-residual'.");
  }
  if (isModa && config.depthRope === 'shared') {
    refuse(
      'depth keys that share rotary positions need layers that turn alike',
      { depthRope: 'shared', localRopeTheta, nopeLayers },
      "Set depthRope to 'none'.",
    );
  }
}

/** Mechanisms that leave the residual sum as it is. */
const plainSumMechanisms: ReadonlySet<string> = new Set([
  'residual',
  'moda',
  'moda-chunk-visible',
  'value-residual',
  'depth-value-mix',
]);

/** Mechanisms that replace the residual sum, so that a norm after it has no meaning. */
const streamMechanisms: ReadonlySet<string> = new Set([
  'attention-residual',
  'attention-residual-block',
  'hyper-connections',
  'manifold-hyper-connections',
]);
