import type { DecoderConfig } from '../config/decoder-config.ts';
import { decoderSpecs } from './decoder-specs.ts';
import type { ParameterSpecs } from './parameter-spec.ts';

/** Number of parameters, exactly; a tied output matrix counts once. Allocates nothing. */
export function countParameters(config: DecoderConfig): number {
  return countSpecs(decoderSpecs(config));
}

/** Numbers in parameters. */
export function countSpecs(specs: ParameterSpecs): number {
  return Object.values(specs).reduce(
    (total, { shape }) => total + shape.reduce((product, length) => product * length, 1),
    0,
  );
}
