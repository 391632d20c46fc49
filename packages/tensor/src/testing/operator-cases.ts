import { attentionCases } from './cases/attention-cases.ts';
import { customCases } from './cases/custom-cases.ts';
import { elementwiseCases } from './cases/elementwise-cases.ts';
import { indexingCases } from './cases/indexing-cases.ts';
import { lossCases } from './cases/loss-cases.ts';
import { matmulCases } from './cases/matmul-cases.ts';
import { normalizationCases } from './cases/normalization-cases.ts';
import { quantizedCases } from './cases/quantized-cases.ts';
import { reductionCases } from './cases/reduction-cases.ts';
import { viewCases } from './cases/view-cases.ts';
import type { OperatorCase } from './operator-case.ts';

/** Every operator of the library, by family: the grid that each device is held to, and what `moda doctor` runs. */
export const operatorCases: Readonly<Record<string, readonly OperatorCase[]>> = {
  elementwise: elementwiseCases,
  reductions: reductionCases,
  views: viewCases,
  matmul: matmulCases,
  quantized: quantizedCases,
  normalization: normalizationCases,
  indexing: indexingCases,
  loss: lossCases,
  attention: attentionCases,
  custom: customCases,
};
