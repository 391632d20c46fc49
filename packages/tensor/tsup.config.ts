import { library } from '@modajs/build/tsup';

export default library({
  entry: {
    index: 'src/index.ts',
    checks: 'src/checks.ts',
    extend: 'src/extend.ts',
    gpu: 'src/gpu.ts',
    'testing/index': 'src/testing/index.ts',
    'backends/webgpu/gpu-entry-node': 'src/backends/webgpu/gpu-entry-node.ts',
    'backends/webgpu/gpu-entry-browser': 'src/backends/webgpu/gpu-entry-browser.ts',
  },
  // Resolved by package.json `imports` where it runs: Dawn in Node, navigator.gpu elsewhere.
  external: ['#gpu', 'webgpu'],
});
