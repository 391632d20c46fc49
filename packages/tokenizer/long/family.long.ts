import { expect, test } from 'vitest';
import { compareFamily } from '../test/compare-family.ts';

test('10,000 generated files equal the official library on 20 texts each', async () => {
  const { found, compared } = await compareFamily(1_000_000, 10_000, 20);
  expect(found.slice(0, 5)).toEqual([]);
  console.log(`${compared} texts`);
});
