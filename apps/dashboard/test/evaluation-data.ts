import {
  type EvaluationModel,
  type EvaluationResults,
  evaluatePerplexity,
  modelFromFunctions,
  type PerplexityReport,
  runEvaluation,
  selectTasks,
} from '@modajs/eval';

const QUESTIONS = 211;
const questions = Array.from({ length: QUESTIONS }, (_, i) => ({
  id: `q${i}`,
  question: `Which of these is number ${i}?`,
  choices: { text: ['one', 'two', 'three', 'four'].map((word) => `${word} ${i}`), label: ['A', 'B', 'C', 'D'] },
  answerKey: 'ABCD'[i % 4],
}));

/** Results of the harness on both ARC tasks by a model that is right on the documents `isRight` picks. */
export async function taskResults(name: string, isRight: (document: number) => boolean): Promise<EvaluationResults> {
  const model = modelFromFunctions(name, {
    loglikelihood: (context, continuation) => {
      const i = Number([...context.matchAll(/number (\d+)\?/g)].at(-1)?.[1]);
      const gold = questions[i]?.choices.text[i % 4] ?? '';
      return (continuation.trim() === gold) === isRight(i) ? -1 : -50;
    },
  });
  const rows = { rows: async () => questions };
  return (await runEvaluation({ model, rows, selection: selectTasks(['arc_easy', 'arc_challenge'], 'olmo-in-loop') }))
    .results;
}

/** Perplexity on two domains by a model that spends `nats(document)` a character. */
export async function perplexityReport(
  name: string,
  nats: (document: number) => number,
): Promise<PerplexityReport & { model: { name: string } }> {
  const model: EvaluationModel = {
    ...modelFromFunctions(name, {}),
    loglikelihoodRolling: async (requests) =>
      requests.map(({ text = '' }) => ({ logProb: -nats(text.length) * text.length, tokenCount: text.length })),
  };
  const documents = Array.from({ length: 40 }, (_, i) => ({ text: 'word '.repeat(3 + (i % 13)) }));
  const report = await evaluatePerplexity(model, [
    { name: 'wiki-text', documents },
    { name: 'logbooks', documents: documents.slice(7) },
  ]);
  return { model: { name }, ...report };
}

/** A JSON file for `setInputFiles`. */
export function jsonFile(name: string, content: unknown) {
  return { name, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(content)) };
}
