import { defineFormulasOn } from './mechanism-formulas.ts';

defineFormulasOn('webgpu', { tolerance: 1e-5, slope: 2e-5 });
