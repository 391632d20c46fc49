import { describe, expect, it } from 'vitest';
import * as errors from './index.ts';

const { ModaError, unknownName, shown: _shown, SHOWN: _SHOWN, ...concrete } = errors;

describe('errors', () => {
  it.each(Object.entries(concrete))('%s > is a ModaError with its name, its values and its cause', (name, Class) => {
    const cause = new RangeError('too far');
    const error = new Class('slice: end must be at most 3, got 4. Use 3.', { end: 4 }, { cause });
    expect(error).toBeInstanceOf(ModaError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(name);
    expect(error.details).toEqual({ end: 4 });
    expect(error.cause).toBe(cause);
    expect(String(error)).toBe(`${name}: slice: end must be at most 3, got 4. Use 3.`);
  });

  it('keeps its name when a minifier renames the class', () => {
    const Renamed = class e extends errors.ShapeError {};
    expect(new Renamed('x').name).toBe('ShapeError');
  });

  it('cuts a long message in its middle', () => {
    const { message } = new errors.DataError(`read: the column must be "text", got ${'x'.repeat(1e6)}. Name it.`);
    expect(message).toHaveLength(2000);
    expect(message).toMatch(/^read: the column must be "text", got x+ \.\.\. x+\. Name it\.$/);
  });

  it('unknownName > throws for a name that came past the compiler', () => {
    expect(() => unknownName('depth mechanism', 'modo' as never)).toThrow(errors.ConfigError);
    expect(() => unknownName('depth mechanism', 'modo' as never)).toThrow(/depth mechanism: .* got 'modo'/);
  });
});
