import { assign, CheckpointError, readSafetensors, type Tensor } from '@modajs/tensor';

/**
 * Copies a safetensors file into live tensors of the same names. Everything is checked before anything is copied.
 *
 * @param what named in errors: `model.safetensors`
 * @param others what tensors of the file that are not live mean: another configuration, or another rank's share
 * @throws CheckpointError for a damaged file, a missing or unknown name, another shape
 */
export function restoreTensors(
  live: Readonly<Record<string, Tensor>>,
  file: Uint8Array,
  what: string,
  others: 'refuse' | 'ignore' = 'refuse',
): void {
  const { tensors } = readSafetensors(file);
  for (const [name, target] of Object.entries(live)) {
    const stored = tensors.get(name);
    if (!stored) {
      throw new CheckpointError(
        `checkpoint: ${what} must hold ${name}, it does not. Was it saved with another model?`,
        {
          name,
        },
      );
    }
    if (String(stored.shape) !== String(target.shape)) {
      throw new CheckpointError(
        `checkpoint: ${name} is [${stored.shape.join(', ')}] in ${what} but [${target.shape.join(', ')}] in the run. ` +
          'Was it saved with another configuration?',
        { name, stored: stored.shape, expected: target.shape },
      );
    }
  }
  for (const name of tensors.keys()) {
    if (others === 'refuse' && !Object.hasOwn(live, name)) {
      throw new CheckpointError(
        `checkpoint: ${what} holds ${name}, which the run does not have. Check its configuration.`,
        {
          name,
        },
      );
    }
  }
  for (const [name, target] of Object.entries(live)) {
    assign(target, tensors.get(name)!.data);
  }
}
