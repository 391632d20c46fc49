import { packageTests } from '@modajs/vitest';

export default packageTests();
