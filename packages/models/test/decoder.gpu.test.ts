import { defineDecoderOn } from './decoder-devices.ts';
import { smallConfigs } from './small-configs.ts';

// The mechanisms differ above the device; a covering few keep a software adapter's run short.
const titles = [
  'residual',
  'moda',
  'moda, reader norm',
  'moda, newest 2 slots',
  'moda, best 2 slots',
  'moda, no QK-norm',
  'moda-chunk-visible, C=3',
  'hyper-connections',
  'norms on both sides, two rotations, windows, caps, scales',
  'moda, parallel, part of a head, biases of the FFN',
  'moda, reader norm, part of a head, yarn',
];
defineDecoderOn('webgpu', Object.fromEntries(titles.map((title) => [title, smallConfigs[title]])));
