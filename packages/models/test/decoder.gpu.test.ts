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
];
defineDecoderOn('webgpu', Object.fromEntries(titles.map((title) => [title, smallConfigs[title]])));
