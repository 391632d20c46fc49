import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  add,
  at,
  backward,
  checkpoint,
  concat,
  type Device,
  grad,
  init,
  matmul,
  noGrad,
  ones,
  sum,
  type Tensor,
  tidy,
  valueAndGrad,
  withoutScope,
} from '../index.ts';

// Each call is a mistake that does not compile either: without an error the line below `@ts-expect-error` fails the type checker.
describe('a forgotten await and an async body', () => {
  let device: Device;
  let x: Tensor;
  const later = async (): Promise<Tensor> => x;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
    x = ones([2, 2]);
  });
  afterAll(() => device.destroy());

  const cases: readonly [string, () => unknown][] = [
    // @ts-expect-error a promise is no tensor
    ['sum', () => sum(later())],
    // @ts-expect-error a promise is no tensor
    ['add', () => add(later(), x)],
    // @ts-expect-error a promise is no tensor
    ['add', () => add(x, later())],
    // @ts-expect-error a promise is no tensor
    ['add', () => add(1, later())],
    // @ts-expect-error a promise is no tensor
    ['matmul', () => matmul(x, later())],
    // @ts-expect-error a promise is no tensor
    ['concat', () => concat([x, later()], 0)],
    // @ts-expect-error a promise is no tensor
    ['at', () => at(later(), 0)],
    // @ts-expect-error a promise is no tensor
    ['backward', () => backward(later())],
  ];
  it.each(cases)('%s of a promise says that an await is missing', (name, run) => {
    expect(run).toThrow(new RegExp(`^${name}: .* must be a tensor, got a Promise\\. Write \`await\` before`));
  });

  it('every function that takes a synchronous body refuses an async one', () => {
    // @ts-expect-error an async body
    expect(() => tidy(later)).toThrow(/tidy: the body must be synchronous, got a promise/);
    // @ts-expect-error an async body
    expect(() => noGrad(async () => add(x, 1))).toThrow(/noGrad: .*synchronous/);
    // @ts-expect-error an async body
    expect(() => withoutScope(later)).toThrow(/withoutScope: .*synchronous/);
    // @ts-expect-error an async body
    expect(() => checkpoint(later, [x])).toThrow(/checkpoint: .*promise/i);
    // @ts-expect-error an async body
    expect(() => grad(later)(x)).toThrow(/promise/i);
    // @ts-expect-error an async body
    expect(() => valueAndGrad(async (y: Tensor) => sum(y))(x)).toThrow(/promise/i);
  });
});
