import { type DecoderConfig, type DecoderConfigInput, decoderSpecs, defineDecoderConfig } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import type { RunConfig } from '../config/run-config.ts';
import { overlaidFields } from './prepare-model-config.ts';

/** Mechanisms whose first forward pass is that of the model without them, beside gated MoDA. */
const STARTS_EQUAL: readonly unknown[] = ['dense', 'denseformer', 'mudd'];

/**
 * The decoder configuration of a run that starts from a pretrained model: the `model` section on top of that model's own. A
 * model that is given MoDA gets `depth.gate`, unless the section says otherwise, so that its first forward pass equals the
 * pretrained model's.
 *
 * @throws ConfigError when a parameter of the pretrained model has no place, when one beside those of a depth mechanism would be
 *   new, or when the mechanism does not start as the pretrained model
 */
export function tunedModelConfig(pretrained: DecoderConfig, config: Pick<RunConfig, 'model'>): DecoderConfig {
  const { preset, ...given } = config.model as Partial<DecoderConfigInput> & { readonly preset?: unknown };
  if (preset !== undefined) {
    throw new ConfigError(
      `config: model.preset must be left out where from names a model, got ${JSON.stringify(preset)}. Leave one of them out.`,
      { preset },
    );
  }
  const fields = overlaidFields(pretrained, given);
  const { kind } = defineDecoderConfig(fields as unknown as DecoderConfigInput).depth;
  const gains = kind !== pretrained.depth.kind;
  const depth = gains && kind === 'moda' ? { gate: true, ...(fields.depth as object) } : fields.depth;
  const model = defineDecoderConfig({ ...fields, depth } as unknown as DecoderConfigInput);
  if (gains && kind !== 'moda' && kind !== 'residual' && !STARTS_EQUAL.includes(kind)) {
    throw new ConfigError(
      `config: model.depth must start as the pretrained model, got ${kind}, which does not. Use moda, ${STARTS_EQUAL.join(', ')}.`,
      { depth: kind },
    );
  }
  requirePlaces(pretrained, model);
  return model;
}

function requirePlaces(pretrained: DecoderConfig, model: DecoderConfig): void {
  const [before, after] = [decoderSpecs(pretrained), decoderSpecs(model)];
  const cure = 'Change settings of model.depth only.';
  for (const [name, { shape }] of Object.entries(before)) {
    const place = after[name]?.shape;
    if (place?.join() === shape.join()) continue;
    const got = place === undefined ? 'none' : `[${place}]`;
    throw new ConfigError(
      `config: model must have a place for the pretrained ${name} [${shape}], got ${got}. ${cure}`,
      {
        name,
      },
    );
  }
  const added = Object.keys(after).find((name) => !Object.hasOwn(before, name) && !name.includes('.depth.'));
  if (added === undefined) return;
  throw new ConfigError(`config: model must have no parameter that was not trained, got ${added}. ${cure}`, {
    name: added,
  });
}
