import { defineFamiliesOn } from './families-oracle.ts';

defineFamiliesOn('reference');
defineFamiliesOn('cpu');
