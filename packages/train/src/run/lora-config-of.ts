import { type DecoderConfig, decoderSpecs, type LoraConfig, loraSpecs, type ParameterSpecs } from '@modajs/models';
import type { RunConfig } from '../config/run-config.ts';

/** The adapter that a run trains; null for a run that trains all weights. */
export function loraConfigOf({ lora }: Pick<RunConfig, 'lora'>): LoraConfig | null {
  const { rank, alpha, targets, rankStabilized } = lora;
  return rank === null ? null : { rank, alpha, targets, rankStabilized };
}

/** The parameters that a run trains: of its adapter, or all of the model's. @throws ConfigError for targets that there are not */
export function trainedSpecs(config: Pick<RunConfig, 'lora'>, model: DecoderConfig): ParameterSpecs {
  const lora = loraConfigOf(config);
  return lora === null ? decoderSpecs(model) : loraSpecs(model, lora);
}
