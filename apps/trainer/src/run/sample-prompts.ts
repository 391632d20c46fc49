import { type Decoder, generateText } from '@modajs/models';
import type { TextSample } from '@modajs/train';
import type { PreparedRun } from './prepare-run.ts';

/** Continues the configured prompts; sample `i` draws from seed `seed + i`. */
export async function samplePrompts(
  decoder: Decoder,
  { tokenizer, special, config: { samples, seed } }: Pick<PreparedRun, 'tokenizer' | 'special' | 'config'>,
): Promise<TextSample[]> {
  const { maxNewTokens, temperature, topK } = samples;
  const results: TextSample[] = [];
  for (const [i, prompt] of samples.prompts.entries()) {
    const options = {
      maxNewTokens,
      temperature,
      topK,
      seed: seed + i,
      eos: special.end,
    };
    let text = '';
    for await (const piece of generateText(decoder, tokenizer, prompt, options)) text += piece;
    results.push({ prompt, text });
  }
  return results;
}
