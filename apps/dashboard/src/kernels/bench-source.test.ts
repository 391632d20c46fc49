import { expect, it } from 'vitest';
import { inOrderOfInterest, pathOf, shownAtFirst, sourcesOf } from './bench-source.ts';
import { storedResults } from './stored-results.ts';

const sources = (await storedResults()).flatMap(({ file, result }, i) =>
  sourcesOf(result, { origin: `${file} ${i}`, isOwn: false, firstColour: i }),
);

it('stored results say which path their kernels took, and both stand on the first screen where both were measured', () => {
  const shown = shownAtFirst(inOrderOfInterest(sources, 'matmul'), 2);
  expect(new Set(shown.map(({ result }) => pathOf(result)))).toContain('browser');
  expect(new Set(shown.map(({ result }) => pathOf(result)))).toContain('tensor-cores');
  for (const { label, result } of shown)
    if (result.environment.device === 'webgpu')
      expect(label).toMatch(/^modajs, H[12]00, (tensor cores|as in a browser)/);
});

it('a result of a benchmark of which nothing was measured is not offered', () => {
  const failed = sources.map((source) => ({ ...source, rows: source.rows.map((row) => ({ ...row, total: null })) }));
  expect(inOrderOfInterest(failed, 'moda')).toEqual([]);
});
