import { describe, expect, it } from 'vitest';
import { bytesText, compactNumber, durationText } from './format-number.ts';

describe('numbers in few characters', () => {
  it('writes numbers', () => {
    expect([0, 1.23456, 0.0312, 3e-4, -1500, 2e6, 1.5e12].map(compactNumber)).toEqual([
      '0',
      '1.235',
      '0.0312',
      '3.0e-4',
      '-1.5k',
      '2M',
      '1.5T',
    ]);
  });

  it('writes bytes', () => {
    expect([0, 1023, 1024, 13_107_200].map(bytesText)).toEqual(['0 B', '1020 B', '1 KiB', '12.5 MiB']);
  });

  it('writes spans of time', () => {
    expect([0, 12, 200, 7500, 97_200].map(durationText)).toEqual(['0 s', '12 s', '3 min 20 s', '2 h 5 min', '1 d 3 h']);
  });
});
