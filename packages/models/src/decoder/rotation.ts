import { unknownName } from '@modajs/tensor';
import type { BlockConfig } from '../config/block-config.ts';
import type { RopeScaling } from '../config/rope-scaling.ts';

/** Leading components of a head that rotate. */
export function rotatedComponents({ rotaryDim, headDim }: BlockConfig): number {
  return rotaryDim ?? headDim;
}

/**
 * Radians a position of each pair of components in a sequence of `length` positions; null for the plain powers
 * `theta^(-2i/rotaryDim)`.
 */
export function scaledFrequencies(config: BlockConfig, length: number): readonly number[] | null {
  const { ropeScaling: scaling, ropeTheta: theta } = config;
  if (scaling === null) return null;
  const n = rotatedComponents(config);
  switch (scaling.kind) {
    case 'linear':
      return powers(theta, n).map((frequency) => frequency / scaling.factor);
    case 'dynamic':
      return length <= scaling.trainedLength ? null : powers(grownTheta(theta, n, scaling, length), n);
    case 'llama3':
      return powers(theta, n).map((frequency) => llama3(frequency, scaling));
    case 'yarn':
      return yarn(theta, n, scaling);
    case 'longrope': {
      const factors = length > scaling.trainedLength ? scaling.longFactors : scaling.shortFactors;
      return powers(theta, n).map((frequency, i) => frequency / factors[i]);
    }
    default:
      return unknownName('ropeScaling.kind', scaling);
  }
}

/** Positions up to which the rotation is one; beyond, keys that were cached earlier have turned otherwise. */
export function steadyLength({ ropeScaling, positions }: BlockConfig): number {
  if (ropeScaling === null || positions !== 'rope') return Number.POSITIVE_INFINITY;
  return ropeScaling.kind === 'dynamic' || ropeScaling.kind === 'longrope'
    ? ropeScaling.trainedLength
    : Number.POSITIVE_INFINITY;
}

/** Whether queries and keys rotate alike in all layers. */
export function rotatesAlike({ localRopeTheta, nopeLayers, nLayers }: BlockConfig): boolean {
  return localRopeTheta === null && (nopeLayers.length === 0 || nopeLayers.length === nLayers);
}

/** Factor of rotated queries and of rotated keys. */
export function attentionFactor({ ropeScaling }: BlockConfig): number {
  return ropeScaling && 'attentionFactor' in ropeScaling ? ropeScaling.attentionFactor : 1;
}

function powers(theta: number, n: number): number[] {
  return Array.from({ length: n / 2 }, (_, i) => theta ** ((-2 * i) / n));
}

type Of<Kind> = Extract<RopeScaling, { kind: Kind }>;

function grownTheta(theta: number, n: number, { factor, trainedLength }: Of<'dynamic'>, length: number): number {
  return theta * ((factor * length) / trainedLength - (factor - 1)) ** (n / (n - 2));
}

function llama3(
  frequency: number,
  { factor, lowFrequencyFactor: low, highFrequencyFactor: high, trainedLength }: Of<'llama3'>,
): number {
  const turns = (trainedLength * frequency) / (2 * Math.PI);
  if (turns < low) return frequency / factor;
  if (turns > high) return frequency;
  const kept = (turns - low) / (high - low);
  return ((1 - kept) * frequency) / factor + kept * frequency;
}

function yarn(theta: number, n: number, scaling: Of<'yarn'>): number[] {
  const { factor, betaFast, betaSlow, isTruncated, trainedLength } = scaling;
  /** Component whose frequency turns so often in the trained length. */
  const component = (turns: number): number =>
    (n * Math.log(trainedLength / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [fast, slow] = [component(betaFast), component(betaSlow)];
  const start = Math.max(isTruncated ? Math.floor(fast) : fast, 0);
  const last = Math.min(isTruncated ? Math.ceil(slow) : slow, n - 1);
  const end = last === start ? last + 0.001 : last;
  return powers(theta, n).map((frequency, i) => {
    const slowed = Math.min(Math.max((i - start) / (end - start), 0), 1);
    return (frequency / factor) * slowed + frequency * (1 - slowed);
  });
}
