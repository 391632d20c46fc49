import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkLinks } from '../build/check-links.js';
import { rewriteLinks } from '../build/rewrite-links.js';

const site = mkdtempSync(join(tmpdir(), 'moda-docs-'));
afterAll(() => rmSync(site, { recursive: true, force: true }));

describe('links', () => {
  it('to a page or a heading that does not exist are found, others are not', () => {
    mkdirSync(join(site, 'guides'));
    writeFileSync(join(site, 'guides/index.html'), '<h2 id="one">');
    const links = [
      'guides/',
      'guides/index.html#one',
      'guides/#two',
      'gone.html',
      '#here',
      '#nowhere',
      'https://a.b/c',
    ];
    writeFileSync(
      join(site, 'index.html'),
      `<h1 id="here">${links.map((link) => `<a class="x" href="${link}">`).join('')}`,
    );
    expect(checkLinks(site)).toEqual(['index.html: guides/#two', 'index.html: gone.html', 'index.html: #nowhere']);
  });

  it('of a text lead to pages, files that are no page are published, code is left alone', () => {
    const published: string[] = [];
    const where = {
      file: 'docs/guides/operator.md',
      page: 'guides/operator.md',
      links: new Map([['packages/tensor', 'packages/tensor.md']]),
      publish: (file: string) => void published.push(file),
    };
    const text = '[t](../../packages/tensor/#api) `[c](../gone.md)` [l](../../LICENSE) [w](https://a.b)';
    const expected = '[t](../packages/tensor.md#api) `[c](../gone.md)` [l](../files/LICENSE) [w](https://a.b)';
    expect(rewriteLinks(text, where)).toBe(expected);
    expect(published).toEqual(['LICENSE']);
    expect(() => rewriteLinks('[x](../gone.md)', where)).toThrow(
      'docs: a link must lead to a page or a file, got ../gone.md in docs/guides/operator.md.',
    );
  });
});
