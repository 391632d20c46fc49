import { defineFormulasOn } from './mechanism-formulas.ts';

defineFormulasOn('reference', { tolerance: 1e-10, slope: 1e-6 });
defineFormulasOn('cpu', { tolerance: 1e-5, slope: 1e-5 });
