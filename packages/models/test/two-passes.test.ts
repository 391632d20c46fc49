import { smallConfigs } from './small-configs.ts';
import { defineTwoPassesOn } from './two-passes.ts';

defineTwoPassesOn('reference', smallConfigs, { tolerance: 1e-11 });
defineTwoPassesOn('cpu', smallConfigs);
