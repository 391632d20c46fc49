import { ConfigError } from '@modajs/tensor';
import { parseSetOption, type RawConfig } from '@modajs/train';

/** What `--lora` trains when it says nothing else. */
const DEFAULT_RANK = 8;

/**
 * The settings of `--lora rank=16,alpha=32,targets=q_proj,v_proj`: pairs with commas between them, of which a list has some of
 * its own.
 *
 * @throws ConfigError for a part that belongs to no key
 */
export function loraSettings(text: string): RawConfig {
  const settings: Record<string, unknown> = { rank: DEFAULT_RANK };
  const pairs: string[] = [];
  for (const part of text.split(',')) {
    if (part.includes('=')) pairs.push(part);
    else if (pairs.length > 0) pairs[pairs.length - 1] += `,${part}`;
    else throw new ConfigError(`train: --lora must be like rank=16,alpha=32,targets=q_proj,v_proj, got "${text}".`);
  }
  for (const pair of pairs) {
    const [key, ...rest] = pair.split('=');
    const value = rest.join('=');
    if (key.trim() === 'targets') settings['targets'] = value.split(',').map((target) => target.trim());
    else Object.assign(settings, parseSetOption(pair));
  }
  return settings;
}

/** `--lora` without settings. */
export const plainLora: RawConfig = { rank: DEFAULT_RANK };
