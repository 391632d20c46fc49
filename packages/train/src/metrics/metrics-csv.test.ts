import { expect, it } from 'vitest';
import { metricsCsv } from './metrics-csv.ts';

it('metrics become lines of a CSV file, with a column for everything that any row has', () => {
  const rows = [
    { step: 1, loss: 4.5 },
    { step: 2, loss: 4, heldOutLoss: 3.5, note: 'a "b", c' },
  ];
  expect(metricsCsv(rows)).toBe('step,loss,heldOutLoss,note\n1,4.5,,\n2,4,3.5,"a ""b"", c"\n');
  expect(metricsCsv([])).toBe('\n');
});
