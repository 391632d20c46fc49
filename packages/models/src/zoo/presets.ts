import { ConfigError, nearestKey } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { distilgpt2Shape } from './distilgpt2-shape.ts';
import { layerStudy } from './layer-study.ts';
import * as paper700m from './paper-700m.ts';
import * as paper1500m from './paper-1500m.ts';
import { nano, small, tiny } from './small-machines.ts';

/** Every configuration of the zoo by name. */
export const presets: Readonly<Record<string, DecoderConfig>> = {
  tiny,
  nano,
  small,
  'olmo2-700m': paper700m.olmo2_700m,
  'olmo2-700m-36': paper700m.olmo2_700m_36,
  'moda-700m': paper700m.moda_700m,
  'moda-700m-depth-kv': paper700m.moda_700m_depth_kv,
  'moda-700m-attention-kv': paper700m.moda_700m_attention_kv,
  ...layerStudy,
  'olmo2-1.5b': paper1500m.olmo2_1500m,
  'moda-1.5b': paper1500m.moda_1500m,
  'distilgpt2-shape': distilgpt2Shape,
};

/** The preset of that name. @throws ConfigError with the nearest name */
export function preset(name: string): DecoderConfig {
  if (Object.hasOwn(presets, name)) return presets[name];
  const nearest = nearestKey(name, Object.keys(presets));
  const cure = nearest ? `Did you mean ${nearest}?` : `Presets: ${Object.keys(presets).join(', ')}.`;
  throw new ConfigError(`preset: the name must be one of the zoo's, got '${name}'. ${cure}`, { name, nearest });
}
