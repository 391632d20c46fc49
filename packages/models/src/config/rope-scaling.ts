/**
 * How the frequencies of a rotation, powers of theta, are changed for sequences longer than those of the first training
 * (`trainedLength` positions). `attentionFactor` multiplies rotated queries and keys alike.
 *
 * - `linear`: all divided by `factor`.
 * - `dynamic`: beyond the trained length, theta grows with the length of the sequence (NTK).
 * - `llama3`: slow ones divided by `factor`, fast ones kept, those between interpolated.
 * - `yarn`: as `llama3`, with a ramp over the components between `betaFast` and `betaSlow` turns of the trained length.
 * - `longrope`: each divided by a factor of its own, from one list up to the trained length and from another beyond.
 *
 * Reference: transformers, `modeling_rope_utils.py`; YaRN: Peng et al., arXiv 2309.00071; LongRoPE: Ding et al., arXiv 2402.13753.
 */
export type RopeScaling =
  | { readonly kind: 'linear'; readonly factor: number }
  | { readonly kind: 'dynamic'; readonly factor: number; readonly trainedLength: number }
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly trainedLength: number;
    }
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly attentionFactor: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Whether the ends of the ramp are whole components. */
      readonly isTruncated: boolean;
      readonly trainedLength: number;
    }
  | {
      readonly kind: 'longrope';
      readonly shortFactors: readonly number[];
      readonly longFactors: readonly number[];
      readonly attentionFactor: number;
      readonly trainedLength: number;
    };

const isPositive = (value: unknown): boolean => typeof value === 'number' && value > 0 && Number.isFinite(value);
const isLength = (value: unknown): boolean => isPositive(value) && Number.isInteger(value);
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isList = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isPositive);

type Rules<Scaling> = { readonly [key in Exclude<keyof Scaling, 'kind'>]: (value: unknown) => boolean };

const rules: { readonly [kind in RopeScaling['kind']]: Rules<Extract<RopeScaling, { kind: kind }>> } = {
  linear: { factor: isPositive },
  dynamic: { factor: isPositive, trainedLength: isLength },
  llama3: {
    factor: isPositive,
    lowFrequencyFactor: isPositive,
    highFrequencyFactor: isPositive,
    trainedLength: isLength,
  },
  yarn: {
    factor: isPositive,
    attentionFactor: isPositive,
    betaFast: isPositive,
    betaSlow: isPositive,
    isTruncated: isFlag,
    trainedLength: isLength,
  },
  longrope: {
    shortFactors: isList,
    longFactors: isList,
    attentionFactor: isPositive,
    trainedLength: isLength,
  },
};

/** The kinds of scaling. */
export const ropeScalingKinds = Object.keys(rules) as readonly RopeScaling['kind'][];

/** Whether a value is a scaling with every field of its kind, each what it must be, and no other. */
export function isRopeScaling(value: unknown): value is RopeScaling {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  const { kind, ...fields } = value as { kind: unknown } & Record<string, unknown>;
  if (typeof kind !== 'string' || !Object.hasOwn(rules, kind)) return false;
  const own: Record<string, (value: unknown) => boolean> = rules[kind as RopeScaling['kind']];
  return (
    Object.keys(fields).every((key) => Object.hasOwn(own, key)) &&
    Object.entries(own).every(([key, accepts]) => accepts(fields[key]))
  );
}
