/** What computes when a page opens the device `auto`, and why. */
export type DetectedDevice =
  | { readonly kind: 'webgpu'; readonly name: string }
  | { readonly kind: 'wasm'; readonly threads: number; readonly because: string };

/** Looks for a hardware WebGPU adapter as the device `auto` does; a software adapter is slower than WebAssembly. */
export async function detectDevice(): Promise<DetectedDevice> {
  const threads = crossOriginIsolated ? navigator.hardwareConcurrency : 1;
  if (!navigator.gpu) return { kind: 'wasm', threads, because: 'this browser has no WebGPU' };
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (adapter === null) return { kind: 'wasm', threads, because: 'WebGPU finds no adapter on this machine' };
  const { vendor, architecture, description, device, isFallbackAdapter } = adapter.info;
  if (isFallbackAdapter || /llvmpipe|lavapipe|swiftshader/i.test(`${description} ${device}`))
    return { kind: 'wasm', threads, because: 'WebGPU has only a software adapter here' };
  return { kind: 'webgpu', name: description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter' };
}
