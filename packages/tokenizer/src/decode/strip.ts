import type { Part } from '../config/part.ts';
import { ofTokens, type Step } from './stage.ts';

/** `Strip`: up to so many of one character go at the start and the end of each token. */
export function stripStep(part: Part, isJoined: boolean): Step {
  const content = part.character('content');
  const most = part.integer('start', [0, Number.MAX_SAFE_INTEGER], 0);
  const mostAtEnd = part.integer('stop', [0, Number.MAX_SAFE_INTEGER], 0);
  if (!isJoined || mostAtEnd > 0) return ofTokens(isJoined, (token) => strip(token, content, most, mostAtEnd));
  return {
    joins: true,
    open(out) {
      let left = most;
      return {
        push(piece) {
          let at = 0;
          while (left > 0 && piece.startsWith(content, at)) {
            at += content.length;
            left--;
          }
          if (at < piece.length) left = 0;
          out(piece.slice(at));
        },
        end() {
          left = most;
        },
      };
    },
  };
}

function strip(token: string, content: string, most: number, mostAtEnd: number): string {
  let start = 0;
  for (let n = 0; n < most && token.startsWith(content, start); n++) start += content.length;
  let end = token.length;
  for (let n = 0; n < mostAtEnd && end - content.length >= start && token.endsWith(content, end); n++)
    end -= content.length;
  return token.slice(start, end);
}
