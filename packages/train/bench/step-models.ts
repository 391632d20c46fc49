import { type DecoderConfig, type DepthInput, defineDecoderConfig, preset } from '@modajs/models';

/** A model whose steps are compared: as trained, and the same without depth; or a model without depth alone. */
export interface StepModel {
  /** Null for a model that has no depth. */
  readonly moda: DecoderConfig | null;
  readonly baseline: DecoderConfig;
  readonly B: number;
}

/** Sequences of a batch; one where nothing is said. */
const BATCHES: Readonly<Record<string, number>> = { small: 32, 'layers-24-post-moda': 16, 'moda-700m': 1 };

/** The models of README's training table. */
export const STEP_MODELS: readonly string[] = Object.keys(BATCHES);

/**
 * MoDA and its baseline at the batch of README's training table, with blocks or a depth mechanism instead of the model's own; another
 * preset of the zoo with a batch of one.
 */
export function stepModel(
  name: string,
  changes: { readonly nLayers?: number; readonly depth?: DepthInput },
): StepModel {
  const own = defineDecoderConfig({ ...preset(name), ...changes });
  const baseline = defineDecoderConfig({ ...own, depth: 'residual' });
  return { moda: own.depth.kind === 'residual' ? null : own, baseline, B: BATCHES[name] ?? 1 };
}
