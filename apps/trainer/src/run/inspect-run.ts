import type { Decoder } from '@modajs/models';
import { depthStatistics, type RunStorage, sequenceLength } from '@modajs/train';
import type { PreparedData } from './prepare-data.ts';
import type { PreparedRun } from './prepare-run.ts';
import { samplePrompts } from './sample-prompts.ts';
import type { TaskEvaluation } from './task-evaluation.ts';

/** What an evaluation looks at beside held-out text: depth attention, tasks, samples (appended to `samples.jsonl`). */
export function inspectRun(
  prepared: PreparedRun,
  decoder: Decoder,
  { heldOut }: PreparedData,
  tasks: TaskEvaluation | null,
  storage: Pick<RunStorage, 'append'>,
): (step: number) => Promise<Record<string, number>> {
  const { config, model } = prepared;
  const text = heldOut[0]?.tokens.slice(0, sequenceLength(config, model)) ?? new Int32Array(1);
  return async (step) => {
    const numbers = await depthStatistics(decoder, text);
    if (tasks) Object.assign(numbers, await tasks.run(decoder, prepared));
    if (config.samples.atEvaluations) {
      const samples = await samplePrompts(decoder, prepared);
      const lines = samples.map((sample) => `${JSON.stringify({ step, ...sample })}\n`);
      await storage.append('samples.jsonl', lines.join(''));
    }
    return numbers;
  };
}
