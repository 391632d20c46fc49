import { expect, it } from 'vitest';
import { storedResults } from './stored-results.ts';

it('storedResults > every file that the page takes in is a benchmark of kernels', async () => {
  const files = new Set((await storedResults()).map(({ file }) => file));
  expect(files).toContain('moda-h100.json');
  expect(files.size).toBeGreaterThan(2);
});
