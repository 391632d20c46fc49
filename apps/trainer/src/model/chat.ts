import { type Decoder, type GenerateTextOptions, generateText } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import { type ChatMessage, ChatTemplate } from '@modajs/tokenizer/chat';
import type { LoadedModel, ModelText } from './model-source.ts';

/** A conversation with a model, by its chat template. */
export class Chat {
  readonly #decoder: Decoder;
  readonly #text: ModelText;
  readonly #template: ChatTemplate;
  readonly #messages: ChatMessage[];
  readonly #end: { readonly eos: readonly number[]; readonly stop: readonly string[] };

  /**
   * @param system what the model is told first; empty for nothing
   * @throws ConfigError for a model without a chat template; TokenizerError for a template that fails
   */
  constructor({ name, decoder, ...text }: LoadedModel, system: string) {
    if (text.chat === null) {
      throw new ConfigError(
        `chat: ${name} must have a chat template, it has none. Train with data.chatTemplate, or use moda generate without --chat.`,
      );
    }
    this.#decoder = decoder;
    this.#text = text;
    this.#template = new ChatTemplate(text.chat);
    this.#messages = system === '' ? [] : [{ role: 'system', content: system }];
    this.#end = endOf(text, this.#template);
  }

  /** The answer to the next message, a piece at a time. */
  async *ask(
    message: string,
    { stop = [], ...options }: Omit<GenerateTextOptions, 'eos'>,
  ): AsyncGenerator<string, void, void> {
    const { tokenizer } = this.#text;
    this.#messages.push({ role: 'user', content: message });
    const prompt = this.#template.render(this.#messages, true);
    const codec = {
      vocabSize: tokenizer.vocabSize,
      // The template has written what stands before a text.
      encode: (text: string) => tokenizer.encode(text, { addSpecialTokens: false }),
      createDecodeStream: () => tokenizer.createDecodeStream({ skipSpecialTokens: true }),
    };
    const stops = [...(typeof stop === 'string' ? [stop] : stop), ...this.#end.stop];
    let answer = '';
    const ending = { eos: this.#end.eos, stop: stops };
    for await (const piece of generateText(this.#decoder, codec, prompt, { ...options, ...ending })) {
      answer += piece;
      yield piece;
    }
    this.#messages.push({ role: 'assistant', content: answer });
  }
}

/** What ends an answer: a token of its own, or text. */
function endOf({ tokenizer, special }: ModelText, template: ChatTemplate) {
  const text = template.answerEnd;
  const [first] = text === '' ? [] : tokenizer.encode(text, { addSpecialTokens: false });
  if (first !== undefined && tokenizer.isSpecial(first)) return { eos: [...special.end, first], stop: [] };
  return { eos: special.end, stop: text === '' ? [] : [text] };
}
