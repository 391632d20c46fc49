/** Files of one model by name: a folder, an archive, a download cache. */
export interface ModelFolder {
  /** The file's bytes, or null when there is none of that name. */
  read(name: string): Promise<Uint8Array | null>;
}

/**
 * Whether a name is that of a file in the folder itself: no separators, no drive, no `..`, nothing hidden, nothing that a file
 * system would read otherwise. Names from remote files reach a file system only when they are.
 */
export function isPlainFileName(name: string): boolean {
  return /^[\w-][\w.+-]{0,199}$/.test(name) && !name.endsWith('.');
}
