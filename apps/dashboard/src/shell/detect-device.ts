/** What computes when a page opens the device `auto`, and why. */
export type DetectedDevice =
  | { readonly kind: 'webgpu'; readonly name: string }
  | { readonly kind: 'wasm'; readonly threads: number; readonly because: string; readonly cure: string };

/** Looks for a hardware WebGPU adapter as the device `auto` does; a software adapter is slower than WebAssembly. */
export async function detectDevice(): Promise<DetectedDevice> {
  // WebKitGTK says that the page is isolated and yet has no memory to share.
  const canShare = crossOriginIsolated && typeof SharedArrayBuffer === 'function';
  const threads = canShare ? navigator.hardwareConcurrency : 1;
  const adapter = await findAdapter();
  const cure = cureOf(threads);
  if (typeof adapter === 'string') return { kind: 'wasm', threads, because: adapter, cure };
  const { info } = adapter;
  if (isSoftwareAdapter(info))
    return { kind: 'wasm', threads, because: 'WebGPU has only a software adapter here', cure };
  const { vendor, architecture, description } = info;
  return { kind: 'webgpu', name: description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter' };
}

/** What a visitor can do for a faster device. */
function cureOf(threads: number): string {
  // Without a secure context a browser has neither WebGPU nor threads, whatever its age.
  if (!isSecureContext) return 'Open the page over https or at 127.0.0.1 to have WebGPU and threads.';
  const gpu = navigator.gpu ? '' : 'Chrome, Edge, Firefox and Safari of today have WebGPU.';
  if (threads > 1 || navigator.hardwareConcurrency === 1) return gpu;
  const threaded = crossOriginIsolated
    ? 'This browser shares no memory between threads; Chrome, Edge, Firefox and Safari of today do.'
    : 'Threads need the isolation headers that “moda dashboard” sends.';
  return [gpu, threaded].filter(Boolean).join(' ');
}

/** The adapter that the device `webgpu` opens, or why there is none. */
export async function findAdapter(): Promise<GPUAdapter | string> {
  if (!navigator.gpu) return 'this browser has no WebGPU';
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  return adapter ?? 'WebGPU finds no adapter on this machine';
}

/** Whether an adapter runs on the processor. */
export function isSoftwareAdapter({ description, device, isFallbackAdapter }: GPUAdapterInfo): boolean {
  return isFallbackAdapter || /llvmpipe|lavapipe|swiftshader/i.test(`${description} ${device}`);
}
