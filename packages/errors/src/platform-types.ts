/** What the packages use of types that a platform declares, for a program that is compiled without its declarations. */
interface WithoutDeclarations {
  AbortSignal: {
    readonly aborted: boolean;
    readonly reason: unknown;
    throwIfAborted(): void;
    addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  };
  Blob: {
    readonly size: number;
    slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
  };
  GPU: { requestAdapter(options?: object): Promise<unknown> };
  ReadableStream: AsyncIterable<Uint8Array>;
  URL: { readonly href: string };
}

/**
 * A class of the platform: `Platform<'AbortSignal'>` is `AbortSignal` in a program whose compiler knows it, from the DOM library,
 * `@types/node` or `@webgpu/types`, and what we use of it in any other. So declarations of ours compile without them.
 */
export type Platform<Name extends keyof WithoutDeclarations> = typeof globalThis extends {
  readonly [K in Name]: { readonly prototype: infer Instance };
}
  ? Instance
  : WithoutDeclarations[Name];

/** `typeof fetch`, by the same rule as `Platform`. */
export type PlatformFetch = typeof globalThis extends { readonly fetch: infer Fetch }
  ? Fetch
  : (url: string, init?: object) => Promise<unknown>;
