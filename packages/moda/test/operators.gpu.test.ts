import { describe } from 'vitest';
import { describeOperators } from './operator-cases.ts';

describe('operators', () => describeOperators('webgpu', { device: 'webgpu' }));
