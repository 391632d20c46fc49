export * from '@modajs/errors';
