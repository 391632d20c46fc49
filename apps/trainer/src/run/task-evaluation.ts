import {
  createDecoderScorer,
  createScorerModel,
  type EvaluationModel,
  loadDocuments,
  type RowSource,
  runEvaluation,
  selectTasks,
  type TaskSelection,
} from '@modajs/eval';
import type { Decoder } from '@modajs/models';
import type { RunConfig } from '@modajs/train';
import { openRows } from '../commands/eval-files.ts';
import { plainText } from '../commands/eval-model.ts';
import type { ModelText } from '../model/model-source.ts';

const STYLE = 'olmes';
const BATCH_TOKENS = 4096;

type TextSide = Pick<ModelText, 'tokenizer' | 'special'>;

/** Tasks that a run is measured on as it trains. */
export class TaskEvaluation {
  private constructor(
    private readonly selection: TaskSelection,
    private readonly rows: RowSource,
    private readonly options: { readonly limit: number; readonly shots: number },
  ) {}

  /**
   * Reads the data of the configured tasks, so that what is missing is missed before the first step; null without tasks.
   *
   * @throws ConfigError for an unknown task; DataError for data that is not there or not what the task expects
   */
  static async open({ evaluation }: RunConfig): Promise<TaskEvaluation | null> {
    const { tasks, taskData, taskLimit: limit, taskShots: shots } = evaluation;
    if (tasks.length === 0) return null;
    const selection = selectTasks(tasks, STYLE);
    const rows = openRows(taskData === null ? {} : { data: taskData });
    for (const task of selection.tasks) await loadDocuments(task, rows, { limit, shots });
    return new TaskEvaluation(selection, rows, { limit, shots });
  }

  /** `task/<name>`: the primary metric of each task and group. */
  async run(decoder: Decoder, text: TextSide): Promise<Record<string, number>> {
    const { selection, rows, options } = this;
    const { results } = await runEvaluation({ model: asModel(decoder, text), selection, rows, ...options });
    return Object.fromEntries(
      Object.entries({ ...results.results, ...results.groups }).flatMap(([name, row]) => {
        const value = row['primary,none'];
        return typeof value === 'number' ? [[`task/${name}`, value]] : [];
      }),
    );
  }
}

/** Answers are not kept between evaluations, so nothing depends on the identity. */
function asModel(decoder: Decoder, { tokenizer, special: { begin, end } }: TextSide): EvaluationModel {
  const [endToken = 0] = end;
  return createScorerModel(createDecoderScorer(decoder), plainText(tokenizer), {
    identity: { name: 'training', modelHash: '', tokenizerHash: '', device: `${decoder.device}` },
    prefixToken: begin ?? endToken,
    addPrefixToken: begin !== null,
    endToken,
    maxTokens: BATCH_TOKENS,
    longContext: 'truncate',
  });
}
