import { unknownName } from '@modajs/tensor';
import type { RunConfig } from '../config/run-config.ts';

/** Whether gradients in a dtype need a loss scale to stay above its smallest number. @throws ConfigError */
export function needsLossScale(dtype: RunConfig['training']['dtype']): boolean {
  switch (dtype) {
    case 'f16':
      return true;
    case 'f32':
      return false;
    default:
      return unknownName('training.dtype', dtype);
  }
}
