import { compareFiles, type FileComparison } from './certainties.ts';
import type { EvaluationFile } from './evaluation-file.ts';

/** What the page asks: the other files against the baseline. */
export interface CompareRequest {
  readonly question: number;
  readonly baseline: EvaluationFile;
  readonly others: readonly EvaluationFile[];
  readonly metric: string;
}

/** Comparisons by file id. */
export interface CompareReply {
  readonly question: number;
  readonly comparisons: Readonly<Record<string, FileComparison>>;
}

const scope = self as unknown as {
  postMessage(message: CompareReply): void;
  onmessage: ((event: MessageEvent<CompareRequest>) => void) | null;
};

scope.onmessage = ({ data: { question, baseline, others, metric } }) => {
  const comparisons = Object.fromEntries(others.map((file) => [file.id, compareFiles(baseline, file, metric)]));
  scope.postMessage({ question, comparisons });
};
