import { countParameters, type DecoderConfigInput, defineDecoderConfig } from '@modajs/models';
import { PAGE_MODELS, type PageModel, type PageModelSize } from './page-models.ts';
import type { Variant } from './training-messages.ts';

/**
 * The model of a variant. The baseline is the same without depth slots, its feed-forward part widened until it has as many
 * parameters as MoDA, whose FFN KV projections it lacks: what differs is then the mechanism, not the size.
 */
export function pageModel(size: PageModelSize, variant: Variant, vocabSize: number): PageModel['model'] {
  const { model } = PAGE_MODELS[size];
  const moda = { ...model, depth: 'moda' };
  if (variant === 'moda') return moda;
  const dFf = Number(model.dFf);
  const count = (fields: PageModel['model']): number =>
    countParameters(defineDecoderConfig({ ...fields, vocabSize } as unknown as DecoderConfigInput));
  const plain = { ...model, depth: 'residual' };
  const perUnit = count({ ...plain, dFf: dFf + 1 }) - count(plain);
  return { ...plain, dFf: dFf + Math.round((count(moda) - count(plain)) / perUnit) };
}
