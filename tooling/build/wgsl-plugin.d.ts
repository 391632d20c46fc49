/** esbuild: loads a `.wgsl` file as the text of the whole shader. */
export function wgslEsbuild(): import('esbuild').Plugin;

/** Vite: the same. */
export function wgslVite(): { name: string };
