import { setFlagsFromString } from 'node:v8';
import { hasRelaxedSimd } from '@modajs/cpu';
import { expect, it } from 'vitest';
import { describeOperatorGrid } from '../../testing/operator-grid.ts';

// The build with fused multiply-add rounds differently, so it is held to the same grid. Node 20 has it behind a flag.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

it('the relaxed SIMD build is the one under test [cpu]', () => {
  expect(hasRelaxedSimd()).toBe(true);
});

describeOperatorGrid('cpu, relaxed SIMD', { device: 'cpu', threads: 2 });
