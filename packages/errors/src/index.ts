export * from './errors.ts';
export { ModaError } from './moda-error.ts';
export type { Platform, PlatformFetch } from './platform-types.ts';
export { SHOWN, shown } from './shown.ts';
export { unknownName } from './unknown-name.ts';
