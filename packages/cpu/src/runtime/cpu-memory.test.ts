import { OutOfMemoryError } from '@modajs/errors';
import { describe, expect, it } from 'vitest';
import { CpuMemory, sizeClass } from './cpu-memory.ts';

describe('sizeClass', () => {
  it('wastes at most an eighth and is a multiple of 64', () => {
    for (let bytes = 1; bytes < 1e8; bytes = Math.ceil(bytes * 1.137)) {
      const size = sizeClass(bytes);
      expect(size % 64).toBe(0);
      expect(size).toBeGreaterThanOrEqual(bytes);
      expect(size).toBeLessThanOrEqual(Math.max(bytes + 63, bytes * 1.125));
      expect(sizeClass(size)).toBe(size);
    }
  });
});

describe('memory', () => {
  it('gives released blocks out again and counts what is alive', () => {
    const memory = new CpuMemory(false, 2 ** 24);
    const [a, b] = [memory.allocate(1000), memory.allocate(100)];
    expect([a % 64, b % 64]).toEqual([0, 0]);
    memory.release(a);
    expect(memory.pooledBytes).toBe(sizeClass(1000));
    expect(memory.allocate(990)).toBe(a);
    expect(memory.allocations).toBe(2);
    expect(memory.pooledBytes).toBe(0);
    expect(memory.liveBytes).toBe(sizeClass(1000) + sizeClass(100));
    expect(memory.peakLiveBytes).toBe(memory.liveBytes);
  });

  it('keeps its contents when it grows', () => {
    const memory = new CpuMemory(true, 2 ** 26);
    const first = memory.allocate(64);
    memory.f32[first >>> 2] = 42;
    const big = memory.allocate(2 ** 25);
    memory.f32[(big + 2 ** 25 - 4) >>> 2] = 7;
    expect(memory.f32[first >>> 2]).toBe(42);
  });

  it('says how much was asked, is alive and is allowed when it is full', () => {
    const memory = new CpuMemory(false, 2 ** 20);
    memory.allocate(2 ** 19);
    const ask = () => memory.allocate(2 ** 20);
    expect(ask).toThrow(OutOfMemoryError);
    expect(ask).toThrow('cpu: 1048576 B do not fit, 524288 B of 1048576 B are in use.');
  });

  it('hands out a larger free block rather than fail', () => {
    const memory = new CpuMemory(false, 2 ** 20);
    const big = memory.allocate(2 ** 19);
    memory.allocate(2 ** 19 - 64);
    memory.release(big);
    expect(memory.allocate(5000)).toBe(big);
    expect(memory.pooledBytes).toBe(0);
  });

  it('refuses to release what it did not give', () => {
    expect(() => new CpuMemory(false, 2 ** 20).release(128)).toThrow('got 128');
  });
});
