import { expect, it } from 'vitest';
import { trainBpe } from '../train/train-bpe.ts';
import { readChatTemplate, readGgufChatTemplate } from './chat-source.ts';
import { ChatTemplate } from './chat-template.ts';
import { encodeConversation, readConversation } from './conversation.ts';

const tokens = { bos_token: '<s>', eos_token: '</s>' };
const make = (template: string, more = {}): ChatTemplate =>
  new ChatTemplate({ template, tokens: { ...tokens, ...more }, place: 'chat_template of model/tokenizer_config.json' });

/** As in Hugging Face's chat templating guide. */
const CHATML =
  "{%- for message in messages %}\n    {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n";
/** zephyr-7b-beta's. */
const ZEPHYR =
  "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\\n'  + message['content'] + eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}";
/** Mistral-7B-Instruct-v0.1's. */
const MISTRAL =
  "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token + ' ' }}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}";
/** In the manner of Qwen 3: thoughts of earlier answers are left out. */
const THINKING =
  "{%- for message in messages %}{%- set content = message.content %}{%- if message.role == 'assistant' and not loop.last %}{%- set content = content.split('</think>')[-1] %}{%- endif %}{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

const talk = [
  { role: 'user', content: 'Hello, how are you?' },
  { role: 'assistant', content: "I'm doing great. How can I help you today?" },
  { role: 'user', content: "I'd like to show off how chat templating works!" },
];

it('chat template > gives the texts of the transformers guide', () => {
  expect(make(CHATML).render([{ role: 'user', content: 'Hi there!' }], true)).toBe(
    '<|im_start|>user\nHi there!<|im_end|>\n<|im_start|>assistant\n',
  );
  expect(make(MISTRAL).render(talk)).toBe(
    "<s>[INST] Hello, how are you? [/INST]I'm doing great. How can I help you today?</s> [INST] I'd like to show off how chat templating works! [/INST]",
  );
  const pirate = [
    { role: 'system', content: 'You are a friendly chatbot who always responds in the style of a pirate' },
    { role: 'user', content: 'How many helicopters can a human eat in one sitting?' },
  ];
  expect(make(ZEPHYR).render(pirate, true)).toBe(
    '<|system|>\nYou are a friendly chatbot who always responds in the style of a pirate</s>\n<|user|>\nHow many helicopters can a human eat in one sitting?</s>\n<|assistant|>\n',
  );
});

it('chat template > what is not given is none: a template that asks for tools finds none', () => {
  const template =
    "{% if tools is not none %}tools{% endif %}{% if documents %}documents{% endif %}{{ messages[0]['content'] }}";
  expect(make(template).render([{ role: 'user', content: 'x' }])).toBe('x');
});

it('chat template > answers lie behind the generation prompt, and include what ends them', () => {
  const both = [...talk, { role: 'assistant', content: 'It works.' }];
  for (const [template, end] of [
    [CHATML, '<|im_end|>\n'],
    [MISTRAL, '</s> '],
    [ZEPHYR, '</s>\n'],
  ]) {
    const [example, ...more] = make(template).examples(both);
    expect(more).toEqual([]);
    expect(example.answers.map(([start, stop]) => example.text.slice(start, stop).trimStart())).toEqual([
      `I'm doing great. How can I help you today?${end}`,
      `It works.${end}`,
    ]);
  }
});

it('chat template > an answer that is shown another way later is an example of its own', () => {
  const examples = make(THINKING).examples([
    { role: 'user', content: 'one' },
    { role: 'assistant', content: '<think>a</think>1' },
    { role: 'user', content: 'two' },
    { role: 'assistant', content: '<think>b</think>2' },
  ]);
  expect(examples.map(({ text, answers: [[start, end]] }) => [text.slice(0, start), text.slice(start, end)])).toEqual([
    ['<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\n', '<think>a</think>1<|im_end|>\n'],
    [
      '<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\n1<|im_end|>\n<|im_start|>user\ntwo<|im_end|>\n<|im_start|>assistant\n',
      '<think>b</think>2<|im_end|>\n',
    ],
  ]);
});

it.each([
  [CHATML, '<|im_end|>'],
  [MISTRAL, '</s>'],
  [ZEPHYR, '</s>'],
  [
    "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n\\n' }}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}",
    '\n\n',
  ],
])('chat template > knows what ends an answer [%#]', (template, end) => {
  expect(make(template).answerEnd).toBe(end);
});

it('chat template > errors name file, key and cure in one line', () => {
  const oneLine = /^chat: chat_template of model\/tokenizer_config\.json must .*\. (Change|Give) [^\n]*$/;
  expect(() => make('{% for x in %}')).toThrow(oneLine);
  expect(() => make(MISTRAL).render([{ role: 'system', content: 'x' }])).toThrow(/Conversation roles must alternate/);
  expect(() => make(MISTRAL).render([{ role: 'system', content: 'x' }])).toThrow(oneLine);
  const forced = '{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<think>{% endif %}';
  expect(() =>
    make(forced).examples([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
    ]),
  ).toThrow(/must begin an answer as add_generation_prompt does, got "b" where the prompt has "<think>"\. Give/);
  expect(() => make(CHATML).examples(talk.slice(0, 1))).toThrow(/an answer of the role "assistant", got none/);
});

it('readChatTemplate > reads text, named templates, the file beside, and special tokens in both forms', () => {
  const read = (config: object, templateFile: string | null = null) =>
    readChatTemplate({ tokenizerConfig: JSON.stringify(config), templateFile }, 'm');
  expect(read({})).toBeNull();
  expect(read({ chat_template: 'a', bos_token: { content: '<s>' }, eos_token: '</s>', pad_token: null })).toEqual({
    template: 'a',
    tokens: { bos_token: '<s>', eos_token: '</s>' },
    place: 'chat_template of m/tokenizer_config.json',
  });
  const named = [
    { name: 'tool_use', template: 't' },
    { name: 'default', template: 'd' },
  ];
  expect(read({ chat_template: named })?.template).toBe('d');
  expect(read({ chat_template: 'a' }, 'b')).toMatchObject({ template: 'b', place: 'm/chat_template.jinja' });
  expect(() => read({ chat_template: 5 })).toThrow(
    'chat: chat_template of m/tokenizer_config.json must be text, got 5.',
  );
  expect(() =>
    read({
      chat_template: [
        { name: 'x', template: 't' },
        { name: 'y', template: 't' },
      ],
    }),
  ).toThrow(/got x, y/);
  expect(() => readChatTemplate({ tokenizerConfig: '[]', templateFile: null }, 'm')).toThrow(/must be a JSON object/);
});

it('readGgufChatTemplate > reads template and tokens by id', () => {
  const keys = new Map<string, unknown>([
    ['tokenizer.chat_template', 't'],
    ['tokenizer.ggml.eos_token_id', 7],
  ]);
  const source = readGgufChatTemplate(keys, (id) => `<${id}>`, 'x.gguf');
  expect(source).toEqual({ template: 't', tokens: { eos_token: '<7>' }, place: 'tokenizer.chat_template of x.gguf' });
  expect(readGgufChatTemplate(new Map(), () => undefined, 'x.gguf')).toBeNull();
});

const tokenizer = trainBpe(['Hello, how are you? I am doing great.'], {
  vocabSize: 280,
  specialTokens: ['<|endoftext|>', '<|im_start|>', '<|im_end|>'],
});
const frame = { begin: null, end: [tokenizer.idOf('<|endoftext|>')!] };

it('encodeConversation > only tokens of answers count, special tokens are one id', () => {
  const conversation = readConversation({ messages: talk.slice(0, 2) });
  const [{ ids, isAnswer }] = encodeConversation(conversation, tokenizer, make(CHATML), frame);
  const learned = ids.filter((_, i) => isAnswer[i] === 1);
  expect(tokenizer.decode(learned)).toBe("I'm doing great. How can I help you today?<|im_end|>\n");
  expect(learned).toContain(tokenizer.idOf('<|im_end|>'));
  expect(tokenizer.decode(ids)).toBe(make(CHATML).render(talk.slice(0, 2)));
});

it('encodeConversation > a completion ends with the end of a text, once', () => {
  for (const completion of [' blue.', ' blue.<|endoftext|>']) {
    const [{ ids, isAnswer }] = encodeConversation(
      readConversation({ prompt: 'The sky is', completion }),
      tokenizer,
      null,
      frame,
    );
    expect(tokenizer.decode(ids)).toBe('The sky is blue.<|endoftext|>');
    expect(tokenizer.decode(ids.filter((_, i) => isAnswer[i] === 1))).toBe(' blue.<|endoftext|>');
  }
});

it.each<[unknown, string]>([
  [{ text: 'x' }, 'must have "messages", or "prompt" and "completion", got the fields text'],
  [7, 'must have "messages", or "prompt" and "completion", got 7'],
  [{ messages: [] }, '"messages" must be a list of messages, got []'],
  [{ messages: [{ content: 'x' }] }, '"messages[0].role" must be text, got undefined'],
  [{ messages: [{ role: 'user', content: 5 }] }, '"messages[0].content" must be text, got 5'],
  [{ prompt: 'x', completion: '' }, '"completion" must not be empty, got ""'],
  [{ prompt: 'x', completion: 5 }, '"prompt" must be a list of messages, got "x"'],
])('readConversation > refuses %j', (row, message) => {
  expect(() => readConversation(row)).toThrow(message);
});
