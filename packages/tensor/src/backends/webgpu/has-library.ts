/**
 * Whether the system's loader finds a shared library, by the name and places that Dawn's own `dlopen` uses. Node's `process.dlopen` asks it:
 * a library that is there is refused only afterwards, because it is no addon.
 *
 * @param name file name without a folder: `libvulkan.so.1`
 */
export function hasLibrary(name: string): boolean {
  try {
    process.dlopen({ exports: {} }, name);
    return true;
  } catch (error) {
    return !/cannot open shared object|no such file|not found/i.test(String(error));
  }
}
