import { basename, join } from 'node:path';
import { readSafetensors } from '@modajs/tensor';
import { Tokenizer } from '@modajs/tokenizer';
import { loraConfigOf, ownSpecialTokens } from '@modajs/train';
import { readRunChat } from '../run/chat-file.ts';
import { readTokenizerJson } from '../run/prepare-tokenizer.ts';
import { readSavedConfig } from '../run/saved-config.ts';
import { readRunAdapter } from './adapter-files.ts';
import { heldParameters } from './hugging-face-model.ts';
import type { ModelSource } from './model-source.ts';
import { type RunWeights, readRunWeights } from './run-weights.ts';

/**
 * A run's model. Its weights are looked for when they are asked for; those under an adapter are the model's that the run started from.
 *
 * @param openBase opens the model that a run started from
 * @throws ConfigError when the folder is no run
 */
export async function openRunModel(
  folder: string,
  weights: RunWeights,
  openBase: (name: string) => Promise<ModelSource>,
): Promise<ModelSource> {
  const { run, model, origin } = await readSavedConfig(folder);
  const isAdapter = loraConfigOf(run) !== null && origin !== null;
  const base = isAdapter ? await openBase(origin.name) : null;
  return {
    name: basename(folder),
    config: model,
    facts: {},
    origin: origin?.name ?? null,
    hasBlocks: base?.hasBlocks ?? false,
    prefersF16: run.training.dtype === 'f16',
    text: async () => {
      const tokenizerJson = await readTokenizerJson(join(folder, 'tokenizer.json'));
      const tokenizer = Tokenizer.fromJson(tokenizerJson);
      const special = origin?.special ?? ownSpecialTokens(tokenizer);
      return { tokenizer, tokenizerJson, special, chat: await readRunChat(folder) };
    },
    values: async () => {
      const { label, bytes } = await readRunWeights(folder, weights);
      if (base !== null) return { label, parameters: (await base.values()).parameters };
      return { label, parameters: heldParameters(readSafetensors(bytes).tensors) };
    },
    adapters: async () => {
      const own = await readRunAdapter(folder, weights);
      return [...((await base?.adapters()) ?? []), ...(own ? [own] : [])];
    },
    close: async () => base?.close(),
  };
}
