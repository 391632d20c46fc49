import { describe } from 'vitest';
import { describeCalls } from './testing/call-grid.ts';
import { moreTensorCalls, tensorCalls } from './testing/calls/tensor-calls.ts';

describe('calls', () => {
  describeCalls('webgpu', { ...tensorCalls, ...moreTensorCalls }, { device: 'webgpu' });
});
