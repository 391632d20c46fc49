import { afterAll, beforeAll, expect, it } from 'vitest';
import { dtypesOf, openTestDevice, type TestDevice } from '../../test/device.ts';
import type { DeviceCapabilities } from '../plan/capabilities.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { planDecodeAttention } from './decode-attention.ts';
import { planDecodeBlocks } from './decode-blocks.ts';
import type { DecodeBlock } from './decode-blocks-problem.ts';
import { type DecodeProductConfig, planDecodeProduct } from './decode-product.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

/** A large GPU, and one without subgroups. Modules are checked, not compiled: that takes a software adapter minutes. */
const devices = [{ min: 32, max: 32 }, null];

/** All blocks at once: two blocks of the paper's width with depth projections, as on 132 multiprocessors. */
function blocksPlan(
  dtype: 'f16' | 'f32',
  heads: { readonly H: number; readonly Hkv: number; readonly D: number },
  capabilities: DeviceCapabilities,
): KernelPlan {
  const matrix = { storage: 1, start: 0, bias: null };
  const block: DecodeBlock = {
    q: matrix,
    k: matrix,
    v: matrix,
    attentionKv: matrix,
    output: matrix,
    gate: matrix,
    up: matrix,
    ffnSlot: matrix,
    down: matrix,
    attentionNorm: 0,
    ffnNorm: 0,
    qNorm: 0,
    kNorm: 0,
    ffnKvNorm: 0,
    cacheK: 0,
    cacheV: 0,
    slots: { first: 0, end: 1, ffnKv: 0, written: 1 },
  };
  const rest = { splits: 4, norm: 'post', qkNorm: 'full', eps: 1e-6, scale: 1, tableStart: 0, storages: 2 } as const;
  const rotary = { theta: 1e4, isInterleaved: false };
  const depth = { hasNorm: true, hasRope: true };
  const sizes = { dtype, C: 1024, F: 4096, ...heads, residentWorkgroups: 132 };
  // A large GPU; the adapter at hand may have less memory and fewer bindings.
  const room = { maxWorkgroupMemoryBytes: 49152, maxInvocations: 1024, maxStorageBuffers: 16 };
  const large = { ...capabilities, ...room, architecture: '', vendor: '' };
  return planDecodeBlocks({ ...sizes, ...rest, rotary, depth, blocks: [block, block] }, large);
}

it('decode kernels are valid for the shapes of the paper on large devices and without subgroups [webgpu]', async () => {
  const plans: KernelPlan[] = [];
  const weightsOf = (rows: number[]) => rows.map((n) => ({ rows: n, start: 0, out: 0, bias: null }));
  const residual = {
    kind: 'residual',
    hasY: true,
    normOf: 'sum',
    norm: 0,
    inputNorm: 0,
    hasCarry: true,
    eps: 0,
  } as const;
  const configs: DecodeProductConfig[] = [{}, { threads: 128, steps: 8 }, { columns: 4, steps: 2 }];
  for (const subgroups of devices) {
    const capabilities = { ...gpu.capabilities, subgroups };
    for (const dtype of dtypesOf(gpu)) {
      for (const config of configs) {
        const gated = { dtype, K: 1024, input: residual, weights: weightsOf([4096, 4096, 1024]), isPaired: true };
        const down = { dtype, K: 4096, input: { kind: 'plain' }, weights: weightsOf([1024]), isPaired: false } as const;
        plans.push(planDecodeProduct(gated, capabilities, config), planDecodeProduct(down, capabilities, config));
      }
      for (const [H, Hkv, D] of [
        [16, 8, 64],
        [32, 4, 128],
        [8, 8, 256],
      ]) {
        if (subgroups && D === 64) plans.push(blocksPlan(dtype, { H, Hkv, D }, capabilities));
        const heads = { dtype, H, Hkv, D, splits: 4, scale: 1, qkNorm: 'full', qNorm: 0, kNorm: 0, eps: 0 } as const;
        const depth = {
          first: 0,
          end: 3,
          ffnKv: null,
          attentionKv: { slot: 3, start: 0 },
          hasNorm: true,
          hasRope: true,
        };
        const rotary = { theta: 1e4, isInterleaved: false };
        plans.push(planDecodeAttention({ ...heads, depth, rotary }, capabilities, { ahead: subgroups ? 4 : 1 }));
      }
    }
  }
  for (const { label, shader } of plans.flatMap(({ passes }) => passes)) {
    const { messages } = await gpu.device.createShaderModule({ code: shader, label }).getCompilationInfo();
    expect(messages.map(({ message }) => `${label}: ${message}`)).toEqual([]);
  }
  await gpu.check();
});
