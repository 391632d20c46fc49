import { expect, it } from 'vitest';
import { definitionOf, TERM_NAMES } from './terms.ts';

it('every term that pages explain has its definition in docs/glossary.md', () => {
  for (const name of TERM_NAMES) expect(definitionOf(name), name).toMatch(/^\S.{4,}\.$/);
  expect(definitionOf('G')).toBe('H / Hkv.');
  expect(definitionOf('depthMass')).toBe("The sum of a query's softmax probabilities on slots, between 0 and 1.");
});
