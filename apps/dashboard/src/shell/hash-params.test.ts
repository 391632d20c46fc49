import { describe, expect, it } from 'vitest';
import { hashWith, oneOf, paramOf } from './hash-params.ts';

describe('hashWith', () => {
  it('writes, replaces and drops a parameter, and leaves the page and the others', () => {
    expect(hashWith('#/runs', 'axis', 'tokens')).toBe('#/runs?axis=tokens');
    expect(hashWith('#/runs?axis=tokens&log=1', 'axis', 'time')).toBe('#/runs?axis=time&log=1');
    expect(hashWith('#/runs?axis=tokens', 'axis', null)).toBe('#/runs');
    expect(hashWith('', 'step', 'look')).toBe('#/?step=look');
  });

  it.each(['study/a b', 'a&b=c', '50 % + 1', 'ü#?', 'x,y:z'])('comes back as it was: %j', (value) => {
    expect(paramOf(hashWith('#/runs?z=1', 'run', value), 'run')).toBe(value);
    expect(paramOf(hashWith('#/runs?z=1', 'run', value), 'z')).toBe('1');
  });
});

it('oneOf takes a known word and nothing else', () => {
  expect(['step', 'tokens', 'toString', ''].map(oneOf(['step', 'tokens']))).toEqual(['step', 'tokens', null, null]);
});
