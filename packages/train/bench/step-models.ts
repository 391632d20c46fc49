import { type DecoderConfig, defineDecoderConfig, preset } from '@modajs/models';

/** A model whose steps are compared: as trained, and the same without depth. */
export interface StepModel {
  readonly moda: DecoderConfig;
  readonly baseline: DecoderConfig;
  readonly B: number;
}

const STEPS = {
  small: { zoo: 'small', B: 32 },
  'study-24-post-moda-ffn': { zoo: 'layers-24-post-moda', B: 16 },
  'moda-700m': { zoo: 'moda-700m', B: 1 },
} as const;

/** Names that `stepModel` takes. */
export const STEP_MODELS: readonly string[] = Object.keys(STEPS);

/** MoDA and its baseline at the batch of README's training table, with `nLayers` blocks instead of the model's own. */
export function stepModel(name: string, nLayers?: number): StepModel {
  if (!Object.hasOwn(STEPS, name)) throw new Error(`a step must be one of ${STEP_MODELS.join(', ')}, got ${name}.`);
  const { zoo, B } = STEPS[name as keyof typeof STEPS];
  const moda = defineDecoderConfig({ ...preset(zoo), ...(nLayers === undefined ? {} : { nLayers }) });
  const shared = Object.fromEntries(Object.entries(moda).filter(([key]) => !key.startsWith('depth')));
  return { moda, baseline: defineDecoderConfig({ ...(shared as typeof moda), depth: 'residual' }), B };
}
