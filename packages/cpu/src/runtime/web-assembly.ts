// The part of the WebAssembly API that we use. TypeScript declares it with the DOM, which libraries here do not include.

/** `WebAssembly.Memory` */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
  /** @throws RangeError when the engine has no more. */
  grow(pages: number): number;
}

/** `WebAssembly.Module` */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

interface WebAssemblyApi {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
  readonly Instance: new (
    module: WasmModule,
    imports: Record<string, Record<string, unknown>>,
  ) => { readonly exports: unknown };
  compile(bytes: Uint8Array): Promise<WasmModule>;
  validate(bytes: Uint8Array): boolean;
}

/** `globalThis.WebAssembly` */
export const webAssembly: WebAssemblyApi = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
