import { SUBGROUP_MATRIX_FEATURES } from '../plan/capabilities.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { KernelPass } from '../plan/plan.ts';
import { SHADER_STAGE_COMPUTE } from './gpu-flags.ts';

/** A compiled pass: what a dispatch needs beside its buffers. */
export interface PreparedPass {
  readonly pipeline: GPUComputePipeline;
  readonly layout: BindingLayout;
}

/** Access of each binding, and whether a uniform block follows; shared by all passes that look alike. */
export interface BindingLayout {
  readonly id: number;
  readonly group: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
  readonly uniformBytes: number;
}

/** A shader with the name of the subgroup-matrix extension that the device knows. */
function enableByName({ features }: GPUDevice, shader: string): string {
  const [standard] = SUBGROUP_MATRIX_FEATURES;
  if (!features.has(standard as GPUFeatureName)) return shader;
  return shader.replace('enable chromium_experimental_subgroup_matrix;', 'enable subgroup_matrix;');
}

/** Compiles each shader with each set of constants once. Layouts are explicit, for the uniform block may have a dynamic offset. */
export class PipelineCache {
  readonly #prepared = new WeakMap<KernelPass, PreparedPass>();
  readonly #pipelines = new Map<string, Map<string, GPUComputePipeline>>();
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #layouts = new Map<string, BindingLayout>();

  constructor(
    readonly device: GPUDevice,
    readonly hasDynamicOffset = true,
  ) {}

  prepare(pass: KernelPass): PreparedPass {
    let prepared = this.#prepared.get(pass);
    if (!prepared) {
      const layout = this.#layoutOf(pass);
      prepared = { layout, pipeline: this.#pipelineOf(pass, layout) };
      this.#prepared.set(pass, prepared);
    }
    return prepared;
  }

  /**
   * `prepare()` that waits for the device's verdict.
   *
   * @throws KernelError with the pass's label and the compiler's message; the pass is compiled anew when it comes again
   */
  async compile(pass: KernelPass): Promise<PreparedPass> {
    this.device.pushErrorScope('validation');
    const prepared = this.prepare(pass);
    const error = await this.device.popErrorScope();
    if (error) {
      this.#prepared.delete(pass);
      this.#modules.delete(pass.shader);
      this.#pipelines.delete(pass.shader);
      throw new KernelError(`${pass.label}: the shader must compile, got ${error.message}`, { label: pass.label });
    }
    return prepared;
  }

  #layoutOf({ bindings, uniform, label }: KernelPass): BindingLayout {
    const uniformBytes = uniform ? Math.ceil(uniform.byteLength / 16) * 16 : 0;
    const key = `${bindings.map(({ access }) => (access === 'read' ? 'r' : 'w')).join('')}${uniformBytes}`;
    let layout = this.#layouts.get(key);
    if (!layout) {
      const entries: GPUBindGroupLayoutEntry[] = bindings.map(({ access }, binding) => ({
        binding,
        visibility: SHADER_STAGE_COMPUTE,
        buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
      }));
      if (uniform) {
        const buffer = { type: 'uniform', hasDynamicOffset: this.hasDynamicOffset } as const;
        entries.push({ binding: bindings.length, visibility: SHADER_STAGE_COMPUTE, buffer });
      }
      const group = this.device.createBindGroupLayout({ label, entries });
      const pipeline = this.device.createPipelineLayout({ label, bindGroupLayouts: [group] });
      layout = { id: this.#layouts.size, group, pipeline, uniformBytes };
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  #pipelineOf(pass: KernelPass, layout: BindingLayout): GPUComputePipeline {
    let variants = this.#pipelines.get(pass.shader);
    if (!variants) {
      variants = new Map();
      this.#pipelines.set(pass.shader, variants);
    }
    const key = `${layout.id} ${JSON.stringify(pass.constants)}`;
    let pipeline = variants.get(key);
    if (!pipeline) {
      const compute = { module: this.#moduleOf(pass), entryPoint: 'main', constants: pass.constants };
      pipeline = this.device.createComputePipeline({ label: pass.label, layout: layout.pipeline, compute });
      variants.set(key, pipeline);
    }
    return pipeline;
  }

  #moduleOf({ shader, label }: KernelPass): GPUShaderModule {
    let module = this.#modules.get(shader);
    if (!module) {
      module = this.device.createShaderModule({ code: enableByName(this.device, shader), label });
      this.#modules.set(shader, module);
    }
    return module;
  }
}
