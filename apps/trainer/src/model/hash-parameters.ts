import { createHash } from 'node:crypto';
import type { StoredParameter } from '@modajs/models';

/** Parameters that are hashed as they are read, and their hash when all were. */
export interface HashedParameters {
  readonly parameters: ReadonlyMap<string, StoredParameter>;
  /** SHA-256 over names and f32 values, in the order in which they were read. */
  sha256(): string;
}

/**
 * Hashes a model on its way to a device: models that compute the same have one hash, whichever file they came from. Parameters are
 * read in the order of the configuration (`decoderSpecs`), so it is always the same.
 */
export function hashParameters(parameters: ReadonlyMap<string, StoredParameter>): HashedParameters {
  const hash = createHash('sha256');
  const hashed = [...parameters].map(([name, stored]): [string, StoredParameter] => [
    name,
    {
      shape: stored.shape,
      read: async () => {
        const value = await stored.read();
        const { buffer, byteOffset, byteLength } = Float32Array.from(value.data);
        hash.update(name);
        hash.update(new Uint8Array(buffer, byteOffset, byteLength));
        return value;
      },
    },
  ]);
  return { parameters: new Map(hashed), sha256: () => hash.digest('hex') };
}
