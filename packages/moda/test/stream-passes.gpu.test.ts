import { defineStreamPassesOn } from './stream-passes.ts';

defineStreamPassesOn('webgpu', 1e-5);
