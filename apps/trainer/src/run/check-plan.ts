import type { DecoderConfig } from '@modajs/models';
import type { RunConfig } from '@modajs/train';

/** More of a run than this is not spent warming up. */
const WARM_UP_SHARE = 1 / 3;
/** Rows of a model beyond its tokenizer's tokens that may be there for alignment. */
const PADDING = 128;

/**
 * What a plan has that is allowed and seldom meant, each in one line.
 *
 * @param tokens of the tokenizer
 */
export function doubtsAbout(
  { training, schedule, from }: Pick<RunConfig, 'training' | 'schedule' | 'from'>,
  { vocabSize }: Pick<DecoderConfig, 'vocabSize'>,
  tokens: number,
): string[] {
  const doubts: string[] = [];
  const longest = Math.floor(training.steps * WARM_UP_SHARE);
  if (schedule.warmupSteps > longest && schedule.warmupSteps > 1) {
    doubts.push(
      `train: the learning rate warms up for ${schedule.warmupSteps} of ${training.steps} steps, more than a third. ` +
        `Set schedule.warmupSteps to ${Math.max(1, longest)} or less, or train longer.`,
    );
  }
  if (from === null && vocabSize - tokens >= PADDING) {
    doubts.push(
      `train: the model has rows for ${vocabSize} tokens, the tokenizer has ${tokens}: the others are never used. ` +
        `Set model.vocabSize=${tokens}, or train the tokenizer on more text.`,
    );
  }
  return doubts;
}
