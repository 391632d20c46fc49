import { ModaError } from '@modajs/tensor';

/** The run met a loss or gradient that its guard does not go past. The last checkpoint is good. */
export class TrainingStoppedError extends ModaError {
  override readonly name: string = 'TrainingStoppedError';
}
