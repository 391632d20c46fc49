import { describe, expect, it } from 'vitest';
import * as module from './index.ts';
import { describeCalls } from './testing/call-grid.ts';
import { gapsOf } from './testing/calls/check-calls.ts';
import { moreTensorCalls, tensorCalls, tensorExempt } from './testing/calls/tensor-calls.ts';

describe('calls', () => {
  it('every exported function and method has its calls', () => {
    expect(gapsOf(module, tensorCalls, tensorExempt)).toEqual([]);
  });
  for (const device of ['reference', 'cpu'] as const) {
    describeCalls(device, { ...tensorCalls, ...moreTensorCalls }, { device, threads: 2 });
  }
});
