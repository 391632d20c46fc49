import { describe, expect, it } from 'vitest';
import type { KernelPass } from '../plan/plan.ts';
import { PipelineCache } from './pipeline-cache.ts';

const SHADER = 'enable f16;\nenable chromium_experimental_subgroup_matrix;\n';

/** The text of the shader that a device with some features is given. */
function shaderOn(features: readonly string[], shader: string): string {
  let given = '';
  const device = {
    features: new Set(features),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createComputePipeline: () => ({}),
    createShaderModule: ({ code }: GPUShaderModuleDescriptor) => {
      given = code;
    },
  } as unknown as GPUDevice;
  const pass = {
    label: 'product',
    shader,
    bindings: [],
    constants: {},
    workgroups: [1, 1, 1],
  } as unknown as KernelPass;
  new PipelineCache(device).prepare(pass);
  return given;
}

describe('PipelineCache', () => {
  it('enables subgroup matrices by the name that the device knows', () => {
    expect(shaderOn(['chromium-experimental-subgroup-matrix'], SHADER)).toBe(SHADER);
    expect(shaderOn(['subgroup-matrix'], SHADER)).toBe('enable f16;\nenable subgroup_matrix;\n');
    expect(shaderOn(['subgroup-matrix'], 'enable f16;')).toBe('enable f16;');
  });
});
