/** Asks Dawn for a Vulkan adapter and prints it as one line of JSON (`null` when there is none). Run as a child process. */
import { create } from 'webgpu';

/** What tests may need beyond WebGPU's core, by the word in their names. */
const NEEDS = {
  f16: ({ features }) => features.has('shader-f16'),
  fourteenStorageBuffers: ({ limits }) => limits.maxStorageBuffersPerShaderStage >= 14,
};

const gpu = create(['backend=vulkan']);
const adapter = await gpu.requestAdapter().catch(() => null);
console.log(
  JSON.stringify(
    adapter && {
      description: adapter.info.description || adapter.info.device,
      isSoftware:
        Boolean(adapter.info.isFallbackAdapter) ||
        /llvmpipe|swiftshader/i.test(`${adapter.info.description} ${adapter.info.device}`),
      lacks: Object.entries(NEEDS)
        .filter(([, isMet]) => !isMet(adapter))
        .map(([need]) => need),
    },
  ),
);
process.exit(0);
