import { type Check, numberThat } from '@modajs/tensor/checks';

/** A momentum: a number in [0, 1). */
export const belowOne: Check = (operation, name, value) =>
  numberThat(operation, name, value, 'a number in [0, 1)', (x) => x >= 0 && x < 1);
