import { afterEach, describe, expect, it, vi } from 'vitest';
import { availableThreads, canShareMemory } from './worker-pool.ts';

afterEach(() => vi.unstubAllGlobals());

describe('canShareMemory', () => {
  it('is true in Node', () => expect(canShareMemory()).toBe(true));

  it.each([
    { crossOriginIsolated: true, hasBuffer: true, expected: true },
    { crossOriginIsolated: false, hasBuffer: true, expected: false },
    // WebKitGTK 2.50 with both isolation headers.
    { crossOriginIsolated: true, hasBuffer: false, expected: false },
    { crossOriginIsolated: undefined, hasBuffer: false, expected: false },
  ])('is $expected in a page: isolated $crossOriginIsolated, SharedArrayBuffer $hasBuffer', (page) => {
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never);
    vi.stubGlobal('crossOriginIsolated', page.crossOriginIsolated);
    if (!page.hasBuffer) vi.stubGlobal('SharedArrayBuffer', undefined);
    expect(canShareMemory()).toBe(page.expected);
    vi.restoreAllMocks();
  });
});

describe('availableThreads', () => {
  it.each([
    [2, 2],
    [64, 64],
    [128, 64],
  ])('of %i cores uses %i', (cores, threads) => {
    vi.spyOn(process, 'getBuiltinModule').mockReturnValue({ availableParallelism: () => cores } as never);
    expect(availableThreads()).toBe(threads);
    vi.restoreAllMocks();
  });
});
