import { defineStreamPassesOn } from './stream-passes.ts';

defineStreamPassesOn('reference', 1e-11);
defineStreamPassesOn('cpu');
