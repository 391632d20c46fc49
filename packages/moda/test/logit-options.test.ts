import { describeLogitOptions } from './logit-options.ts';

describeLogitOptions('reference');
describeLogitOptions('cpu');
