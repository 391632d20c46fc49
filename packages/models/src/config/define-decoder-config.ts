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
    tieEmbeddings: true,
    activation: 'swiglu',
    positions: 'rope',
    ropeTheta: 500_000,
    ropeInterleaved: false,
    softmaxScale: null,
    depth: 'residual',
    depthFfnProjection: isModa,
    depthAttentionProjection: false,
    depthLastProjection: false,
    depthKeyNorm: 'writer',
    depthRope: 'shared',
    depthChunk: 1,
    depthSlots: null,
    depthSlotsBy: 'recency',
    hyperStreams: 4,
    residualBlock: 2,
    ...(given as unknown as DecoderConfigInput),
  };
  checkField('headDim', config.headDim);
  checkConsistency(config);
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
  if (config.positions === 'rope' && headDim % 2 !== 0) {
    refuse('headDim must be even for rotary positions', { headDim }, 'Use an even headDim.');
  }
  const isModa = depth === 'moda' || depth === 'moda-chunk-visible';
  for (const key of ['depthFfnProjection', 'depthAttentionProjection', 'depthLastProjection'] as const) {
    if (config[key] && !isModa) {
      refuse(`${key} needs depth 'moda' or 'moda-chunk-visible'`, { depth, [key]: true }, `Set ${key} to false.`);
    }
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

/** Mechanisms that replace the residual sum, so that a norm after it has no meaning. */
const streamMechanisms: ReadonlySet<string> = new Set([
  'attention-residual',
  'attention-residual-block',
  'hyper-connections',
  'manifold-hyper-connections',
]);
