import { expect, test } from 'vitest';
import { compareFamily } from './compare-family.ts';

const FILES = 500;
const TEXTS = 8;

test(`${FILES} generated files: ids, offsets, decoded and streamed text equal the official library`, async () => {
  const { found, compared } = await compareFamily(0, FILES, TEXTS);
  expect(found).toEqual([]);
  expect(compared).toBeGreaterThan(FILES * TEXTS * 0.7);
});
