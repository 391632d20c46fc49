import { smallConfigs } from './small-configs.ts';
import { defineTwoPassesOn } from './two-passes.ts';

const { moda } = smallConfigs;
const titles = ['moda', 'moda, best 2 slots', 'moda-chunk-visible, C=3', 'depth-attention', 'depth-value-mix'];
// Rows of 16 B: readers leave their softmax weights, and their queries lie in memory that the pass owns.
const deferred = { 'moda, D=8': { ...moda, headDim: 8 } };
defineTwoPassesOn('webgpu', {
  ...Object.fromEntries(titles.map((title) => [title, smallConfigs[title]])),
  ...deferred,
});
defineTwoPassesOn('webgpu', deferred, { computeDtype: 'f16', tolerance: 2e-3 });
