import { describe, expect, it } from 'vitest';
import { PAGES, pageOf } from './pages.ts';

describe('pageOf', () => {
  it('finds every page by its hash, also with something behind it', () => {
    for (const page of PAGES) {
      expect(pageOf(`#/${page.path}`)).toBe(page);
      expect(pageOf(`#/${page.path}?of=tiny`)).toBe(page);
      expect(pageOf(`#/${page.path}/more`)).toBe(page);
    }
  });

  it('shows the first page when the hash names none', () => {
    for (const hash of ['', '#', '#/', '#/nothing', '#/run', '#/runs2']) expect(pageOf(hash)).toBe(PAGES[0]);
  });
});
