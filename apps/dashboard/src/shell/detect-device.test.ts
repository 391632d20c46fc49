import { afterEach, expect, it, vi } from 'vitest';
import { detectDevice } from './detect-device.ts';

afterEach(() => vi.unstubAllGlobals());

it.each([
  { isolated: false, shares: true, hasGpu: false, cure: /have WebGPU\. Threads need the isolation headers/ },
  { isolated: true, shares: false, hasGpu: false, cure: /have WebGPU\. This browser shares no memory/ },
  { isolated: true, shares: false, hasGpu: true, cure: /^This browser shares no memory between threads; Chrome/ },
])('says what to do without a GPU and without threads: isolated $isolated, shares memory $shares', async (page) => {
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('crossOriginIsolated', page.isolated);
  if (!page.shares) vi.stubGlobal('SharedArrayBuffer', undefined);
  const gpu = page.hasGpu ? { requestAdapter: async () => null } : undefined;
  vi.stubGlobal('navigator', { hardwareConcurrency: 8, gpu });
  expect(await detectDevice()).toMatchObject({ kind: 'wasm', threads: 1, cure: expect.stringMatching(page.cure) });
});
