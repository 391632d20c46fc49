import { createHash } from 'node:crypto';
import type { HostParameter, StoredBlocks, StoredParameter } from '@modajs/models';

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
  const add = (name: string, { data }: HostParameter): void => {
    const { buffer, byteOffset, byteLength } = Float32Array.from(data);
    hash.update(name);
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  };
  // The numbers count, whichever way they are kept.
  const hashedBlocks = (name: string, stored: StoredParameter, { format, read }: StoredBlocks): StoredBlocks => ({
    format,
    read: async () => {
      add(name, await stored.read());
      return read();
    },
  });
  const hashed = [...parameters].map(([name, stored]): [string, StoredParameter] => [
    name,
    {
      shape: stored.shape,
      read: async () => {
        const value = await stored.read();
        add(name, value);
        return value;
      },
      ...(stored.quantized ? { quantized: hashedBlocks(name, stored, stored.quantized) } : {}),
    },
  ]);
  return { parameters: new Map(hashed), sha256: () => hash.digest('hex') };
}
