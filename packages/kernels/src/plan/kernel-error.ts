export { KernelError } from '@modajs/errors';
