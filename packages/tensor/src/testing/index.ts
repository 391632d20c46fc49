export { createReferenceBackend } from '../backends/reference/reference-backend.ts';
export type { Call, CallTable } from './calls/call.ts';
export { type Exempt, faultsOf, gapsOf } from './calls/check-calls.ts';
export * as depthKinds from './calls/depth-calls.ts';
export type { Kind, Place } from './calls/kinds.ts';
export * as kinds from './calls/kinds.ts';
export { checkOperator, type OperatorReport } from './check-operator.ts';
export type { CaseInput, OperatorCase } from './operator-case.ts';
export { operatorCases } from './operator-cases.ts';
