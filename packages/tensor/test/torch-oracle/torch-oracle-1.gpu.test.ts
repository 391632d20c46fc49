import { gpuOracle } from './gpu-oracle.ts';

gpuOracle(0);
