import { matmulPlanner } from './matmul.ts';
import { planSubgroupMatrix } from './matmul-subgroup-matrix.ts';

/** Plans a product with every variant that there is: see `MatmulPlanner`. */
export const planMatmul = /* @__PURE__ */ matmulPlanner(planSubgroupMatrix);
