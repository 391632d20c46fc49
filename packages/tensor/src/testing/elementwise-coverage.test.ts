import { binaryNames, ternaryNames, unaryNames } from '@modajs/cpu/reference';
import { elementwiseOperators } from '@modajs/kernels';
import { describe, expect, it } from 'vitest';

describe('elementwise operators', () => {
  it('are the same on webgpu, whose shaders are their list, and on the devices of @modajs/cpu', () => {
    for (const [index, names] of [unaryNames, binaryNames, ternaryNames].entries()) {
      expect(elementwiseOperators(index + 1).toSorted()).toEqual([...names].toSorted());
    }
  });
});
