declare module '@modajs/build/wgsl' {
  /** Loads `.wgsl` files as text. */
  export function wgslEsbuild(): import('esbuild').Plugin;
}
