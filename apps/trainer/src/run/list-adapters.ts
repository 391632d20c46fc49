import { openGpu } from '@modajs/tensor/gpu';

/** A WebGPU adapter for people. */
export interface AdapterFacts {
  readonly description: string;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** Limits that decide which kernels run and how large a model may be. */
const SHOWN_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
] as const;

/** Every adapter that is offered for some request: the fast one, the frugal one, the software one. */
export async function listAdapters(): Promise<AdapterFacts[]> {
  const entry = await openGpu();
  if (entry === null) return [];
  const requests: GPURequestAdapterOptions[] = [
    { powerPreference: 'high-performance' },
    { powerPreference: 'low-power' },
    { forceFallbackAdapter: true },
  ];
  const found = new Map<string, AdapterFacts>();
  for (const request of requests) {
    const adapter = await entry.gpu.requestAdapter(request).catch(() => null);
    if (!adapter) continue;
    const { info } = adapter;
    const description = info.description || [info.vendor, info.architecture, info.device].filter(Boolean).join(' ');
    const limits = Object.fromEntries(SHOWN_LIMITS.map((name) => [name, Number(adapter.limits[name])]));
    found.set(description, { description, features: [...adapter.features].sort(), limits });
  }
  entry.release();
  return [...found.values()];
}
