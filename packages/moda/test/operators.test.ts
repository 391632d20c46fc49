import { describe } from 'vitest';
import { describeOperators } from './operator-cases.ts';

describe('reference', () => describeOperators('reference', { device: 'reference' }));
describe('cpu', () => describeOperators('cpu', { device: 'cpu', threads: 2 }));
