export * from './errors.ts';
export { ModaError } from './moda-error.ts';
export { SHOWN, shown } from './shown.ts';
export { unknownName } from './unknown-name.ts';
