/** Bytes that can be read from anywhere: an open file of the server, or a `File` in the browser. */
export interface ByteSource {
  readonly size: number;
  /** Bytes `begin` to `end`; fewer when the source has become shorter meanwhile. */
  read(begin: number, end: number): Uint8Array | Promise<Uint8Array>;
}

/** A file that the visitor chose or dropped. */
export function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()),
  };
}

/** Bytes in memory. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (begin, end) => bytes.subarray(begin, end) };
}
