import { type DecoderConfig, defineDecoderConfig, preset } from '@modajs/models';

/** A model whose steps are compared: as trained, and the same without depth. */
export interface StepModel {
  readonly moda: DecoderConfig;
  readonly baseline: DecoderConfig;
  readonly B: number;
}

const STEPS: Readonly<Record<string, { readonly zoo: string; readonly B: number }>> = {
  small: { zoo: 'small', B: 32 },
  'study-24-post-moda-ffn': { zoo: 'layers-24-post-moda', B: 16 },
  'moda-700m': { zoo: 'moda-700m', B: 1 },
};

/** The models of README's training table. */
export const STEP_MODELS: readonly string[] = Object.keys(STEPS);

/**
 * MoDA and its baseline at the batch of README's training table, with `nLayers` blocks instead of the model's own; another preset
 * of the zoo with a batch of one.
 */
export function stepModel(name: string, nLayers?: number): StepModel {
  const { zoo, B } = STEPS[name] ?? { zoo: name, B: 1 };
  const moda = defineDecoderConfig({ ...preset(zoo), ...(nLayers === undefined ? {} : { nLayers }) });
  const shared = Object.fromEntries(Object.entries(moda).filter(([key]) => !key.startsWith('depth')));
  return { moda, baseline: defineDecoderConfig({ ...(shared as typeof moda), depth: 'residual' }), B };
}
