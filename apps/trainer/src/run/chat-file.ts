import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '@modajs/tensor';
import { type ChatTemplateSource, readChatTemplate } from '@modajs/tokenizer/chat';

/** Where a run keeps its chat template: Hugging Face's file, with template and special tokens. */
export const CHAT_FILE = 'tokenizer_config.json';

/** `tokenizer_config.json` of a chat template. */
export function chatJson({ template, tokens }: ChatTemplateSource): string {
  return `${JSON.stringify({ ...tokens, chat_template: template }, null, 2)}\n`;
}

/** The chat template that a run keeps; null for a run without one. @throws TokenizerError */
export async function readRunChat(folder: string): Promise<ChatTemplateSource | null> {
  const tokenizerConfig = await readFile(join(folder, CHAT_FILE), 'utf8').catch(() => null);
  return readChatTemplate({ tokenizerConfig, templateFile: null }, folder);
}

/**
 * A template from a file of its own.
 *
 * @param tokens special tokens that it may name
 * @throws ConfigError when the file cannot be read
 */
export async function readTemplateFile(
  path: string,
  tokens: ChatTemplateSource['tokens'],
): Promise<ChatTemplateSource> {
  const template = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(
      `config: ${path} must be a readable .jinja file, got ${error.code}. Check data.chatTemplate.`,
      {
        path,
      },
    );
  });
  return { template, tokens, place: path };
}
