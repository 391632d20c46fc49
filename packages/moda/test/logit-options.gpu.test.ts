import { describeLogitOptions } from './logit-options.ts';

describeLogitOptions('webgpu');
