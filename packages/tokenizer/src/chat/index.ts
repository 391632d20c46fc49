export { type ChatFiles, type ChatTemplateSource, readChatTemplate, readGgufChatTemplate } from './chat-source.ts';
export { type ChatExample, type ChatMessage, ChatTemplate } from './chat-template.ts';
export {
  type ChatTokens,
  type Conversation,
  encodeConversation,
  isConversation,
  readConversation,
  type TextFrame,
} from './conversation.ts';
