import { TokenizerError } from '../errors.ts';

/** A chat template as a model's files have it. */
export interface ChatTemplateSource {
  /** Jinja text, as `transformers` and llama.cpp run it. */
  readonly template: string;
  /** Special tokens by the names that templates use, such as `bos_token`. */
  readonly tokens: Readonly<Record<string, string>>;
  /** File and key that it came from, for messages. */
  readonly place: string;
}

/** Texts of Hugging Face's files; null for a file that is not there. */
export interface ChatFiles {
  /** `tokenizer_config.json` */
  readonly tokenizerConfig: string | null;
  /** `chat_template.jinja`, which goes before `tokenizer_config.json`. */
  readonly templateFile: string | null;
}

/**
 * The chat template of Hugging Face's files: `chat_template.jinja`, or `chat_template` of `tokenizer_config.json`, one text or a list
 * of named ones, of which the one called `default` is taken. Null for a model without one.
 *
 * @param folder named in messages
 * @throws {TokenizerError} a file that is no JSON, a template that is no text
 */
export function readChatTemplate(files: ChatFiles, folder: string): ChatTemplateSource | null {
  const path = `${folder}/tokenizer_config.json`;
  const config = files.tokenizerConfig === null ? {} : parseObject(files.tokenizerConfig, path);
  const tokens = specialTokensOf(config);
  if (files.templateFile !== null) {
    return { template: files.templateFile, tokens, place: `${folder}/chat_template.jinja` };
  }
  const template = namedTemplate(config['chat_template'], path);
  return template === null ? null : { template, tokens, place: `chat_template of ${path}` };
}

/** The chat template of a GGUF file's keys; null for a file without one. @throws {TokenizerError} a template that is no text */
export function readGgufChatTemplate(
  keys: ReadonlyMap<string, unknown>,
  tokenOf: (id: number) => string | undefined,
  file: string,
): ChatTemplateSource | null {
  const key = 'tokenizer.chat_template';
  const template = keys.get(key) ?? null;
  if (template === null) return null;
  if (typeof template !== 'string') throw notText(`${key} of ${file}`, template);
  const tokens: Record<string, string> = {};
  for (const name of ['bos', 'eos', 'unk', 'pad']) {
    const id = keys.get(`tokenizer.ggml.${name === 'unk' ? 'unknown' : name === 'pad' ? 'padding' : name}_token_id`);
    const token = typeof id === 'number' ? tokenOf(id) : undefined;
    if (token !== undefined) tokens[`${name}_token`] = token;
  }
  return { template, tokens, place: `${key} of ${file}` };
}

function namedTemplate(value: unknown, path: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw notText(`chat_template of ${path}`, value);
  const found = value.find((entry) => entry?.name === 'default') ?? (value.length === 1 ? value[0] : undefined);
  if (typeof found?.template === 'string') return found.template;
  const names = value.map((entry) => String(entry?.name)).join(', ');
  throw new TokenizerError('chat', `chat_template of ${path} must have one called "default", got ${names}. Name one.`);
}

function notText(place: string, value: unknown): TokenizerError {
  return new TokenizerError(
    'chat',
    `${place} must be text, got ${JSON.stringify(value)?.slice(0, 60)}. Download the file again.`,
    { place },
  );
}

function parseObject(json: string, path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Named below.
  }
  throw new TokenizerError('chat', `${path} must be a JSON object, it is not. Download it again.`, { place: path });
}

/** `bos_token` and its kin: text, or an object with it in `content`. */
function specialTokensOf(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [key, value] of Object.entries(config)) {
    if (!key.endsWith('_token')) continue;
    const text = typeof value === 'object' && value !== null && 'content' in value ? value.content : value;
    if (typeof text === 'string') tokens[key] = text;
  }
  return tokens;
}
