import { describe, expect, it } from 'vitest';
import { sourceNames } from '../src/run/source-names.ts';

describe('sourceNames', () => {
  it.each([
    [
      ['/data/web.jsonl.gz', 'builtin:moby-dick', 'books/', 'x.bin'],
      ['web', 'moby-dick', 'books', 'x'],
    ],
    [
      ['a/train.jsonl', 'b/train.jsonl', 'c/other.txt'],
      ['a/train.jsonl', 'b/train.jsonl', 'other'],
    ],
    [
      ['train.txt', 'train.jsonl'],
      ['train.txt', 'train.jsonl'],
    ],
    [
      ['/x/a/t.txt', '/y/a/t.txt', 't.txt'],
      ['x/a/t.txt', 'y/a/t.txt', 't.txt'],
    ],
    [
      ['t.txt', 't.txt', './t.txt'],
      ['t.txt', 't.txt#2', './t.txt'],
    ],
    [
      ['a/t.txt', 'a/t.txt', 'a/t.txt'],
      ['a/t.txt', 'a/t.txt#2', 'a/t.txt#3'],
    ],
    [['.gz'], ['.gz']],
  ])('%j are %j', (paths, names) => {
    expect(sourceNames(paths)).toEqual(names);
  });
});
