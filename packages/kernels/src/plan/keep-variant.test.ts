import { describe, expect, it } from 'vitest';
import { keepVariant } from './keep-variant.ts';
import { KernelError } from './kernel-error.ts';

const SHADER = `a();
// @if one
b();
// @end
{
  // @if two
  c();
  // @end
  d();
}
`;

describe('keepVariant', () => {
  it('keeps the blocks of one name and drops those of others', () => {
    expect(keepVariant(SHADER, 'one')).toBe('a();\nb();\n{\n  d();\n}\n');
    expect(keepVariant(SHADER, 'two')).toBe('a();\n{\n  c();\n  d();\n}\n');
  });

  it('refuses a name that no block has', () => {
    expect(() => keepVariant(SHADER, 'three')).toThrow(KernelError);
  });
});
