import { gpuOracle } from './gpu-oracle.ts';

gpuOracle(2);
