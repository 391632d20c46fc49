import { describe } from 'vitest';
import { describeOperatorGrid } from './testing/operator-grid.ts';

describe.each([1, 2, 3])('operators with %i threads', (threads) => {
  describeOperatorGrid('cpu', { device: 'cpu', threads }, ['f16', 'bf16']);
});
