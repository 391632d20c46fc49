/** Products on subgroup matrices, apart: devices without them need not load their shader. */
export { planSubgroupMatrix } from './matmul/matmul-subgroup-matrix.ts';
