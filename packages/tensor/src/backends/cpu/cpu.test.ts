import { describeOperatorGrid } from '../../testing/operator-grid.ts';

for (const threads of [1, 2, 3]) describeOperatorGrid(`cpu, threads=${threads}`, { device: 'cpu', threads });
