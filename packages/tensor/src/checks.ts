/**
 * The checks of arguments that all operators share, for packages that define operators of their own.
 */

export { isDevice } from './core/device.ts';
export {
  type Check,
  callback,
  checkedLater,
  checkFields,
  checkNames,
  checkOptions,
  dtypeName,
  finite,
  flag,
  floatDTypeName,
  listOfNumbers,
  notNegative,
  numberThat,
  type OptionChecks,
  oneOf,
  orAbsent,
  orNull,
  positive,
  shown,
  streamPosition,
  whole,
  wholeNumber,
} from './core/value-checks.ts';
export { checkAttention, isReading } from './ops/attention-checks.ts';
export {
  checkOperandList,
  checkOperands,
  dtypeIs,
  floatOnly,
  integersOnly,
  isOneDevice,
  rankIs,
  sameDType,
  shapeIs,
} from './ops/checks.ts';
