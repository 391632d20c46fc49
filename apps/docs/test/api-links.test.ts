import { expect, it } from 'vitest';
import { withLinksToHeadings } from '../build/api-links.js';

it('links of the API lead to headings: of the name, the first of the name, or to the page; those to rows become text', () => {
  const text = [
    '## `UNARY_NAMES`',
    '## Tensor',
    '### name',
    '### name',
    '| <a id="property-x"></a> `x` | [`x`](#property-x-1) |',
    '[a](#unary_names) [b](#name-1) [c](#name-7) [d](other.md#gone) [e](other.md#there) [f](https://a.b/#g) [h](#gone)',
  ].join('\n');
  const pages = [
    { page: 'api/one.md', title: 'one', text },
    { page: 'api/other.md', title: 'other', text: '# There' },
  ];
  const lines = withLinksToHeadings(pages)[0].text.split('\n');
  expect(lines[4]).toBe('| `x` | `x` |');
  expect(lines[5]).toBe(
    '[a](#unary-names) [b](#name-1) [c](#name) [d](other.md) [e](other.md#there) [f](https://a.b/#g) h',
  );
});
