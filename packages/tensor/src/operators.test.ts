import { describe } from 'vitest';
import { describeOperatorGrid } from './testing/operator-grid.ts';

describe('operators', () => {
  describeOperatorGrid('reference', { device: 'reference' });
});
