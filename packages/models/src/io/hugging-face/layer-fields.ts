import type { DecoderConfigInput } from '../../config/decoder-config.ts';
import type { CheckedConfig } from './checked-config.ts';

type WindowFields = Required<Pick<DecoderConfigInput, 'window' | 'localLayers'>>;

const everywhere: WindowFields = { window: null, localLayers: [] };

/** `layer_types` by layer; null when the file has none. */
function readLayerTypes(config: CheckedConfig, nLayers: number): readonly ('full' | 'local')[] | null {
  if (!config.has('layer_types')) return null;
  const types = config.list('layer_types');
  if (types.length < nLayers)
    throw config.wrong('layer_types', types, `a list of ${nLayers} layers`, 'Is the file complete?');
  return types.slice(0, nLayers).map((type) => {
    if (type === 'full_attention') return 'full';
    if (type === 'sliding_attention') return 'local';
    const expected = 'full_attention or sliding_attention in every layer';
    throw config.wrong('layer_types', type, expected, 'This variant is not supported.');
  });
}

/** Attention of families that know no window. */
export function fullAttention(config: CheckedConfig, nLayers: number): WindowFields {
  for (const key of ['sliding_window', 'use_sliding_window']) config.mustBe(key, false);
  if (readLayerTypes(config, nLayers)?.includes('local')) {
    throw config.wrong(
      'layer_types',
      'sliding_attention',
      'full_attention in every layer',
      'This family has no window.',
    );
  }
  return everywhere;
}

/** One window in all layers, or none (Mistral, Phi 3). */
export function oneWindow(config: CheckedConfig, nLayers: number, fallback: number | null): WindowFields {
  const window = config.countOrNull('sliding_window', fallback);
  const wanted = window === null ? 'full' : 'local';
  const types = readLayerTypes(config, nLayers);
  if (types?.some((type) => type !== wanted)) {
    const expected =
      window === null ? 'full_attention in every layer without sliding_window' : 'sliding_attention in every layer';
    throw config.wrong('layer_types', types, expected, 'This family has one window for all layers.');
  }
  return window === null ? everywhere : windowIn(window, nLayers, () => true);
}

/** A window in the layers that `layer_types` names, by default those for which `isLocal`. */
export function windowByLayer(
  config: CheckedConfig,
  nLayers: number,
  window: number | null,
  isLocal: (layer: number) => boolean,
): WindowFields {
  const types = readLayerTypes(config, nLayers);
  const local = (layer: number): boolean => (types ? types[layer] === 'local' : isLocal(layer));
  const layers = Array.from({ length: nLayers }, (_, layer) => layer).filter(local);
  if (layers.length === 0) return everywhere;
  if (window === null) {
    throw config.wrong(
      'sliding_window',
      window,
      `a whole number >= 1 for local layers ${layers}`,
      'Set layer_types to full_attention.',
    );
  }
  return { window, localLayers: layers };
}

/** Qwen's and SmolLM's window, which needs `use_sliding_window`. */
export function switchedWindow(
  config: CheckedConfig,
  nLayers: number,
  fallback: number | null,
  isLocal: (layer: number) => boolean,
): WindowFields {
  const isOn = config.flag('use_sliding_window', false);
  const window = config.countOrNull('sliding_window', fallback);
  if (isOn) return windowByLayer(config, nLayers, window, (layer) => window !== null && isLocal(layer));
  if (readLayerTypes(config, nLayers)?.includes('local')) {
    throw config.wrong('use_sliding_window', false, 'true where layer_types has sliding_attention', 'Set one of them.');
  }
  return everywhere;
}

function windowIn(window: number, nLayers: number, isLocal: (layer: number) => boolean): WindowFields {
  const localLayers = Array.from({ length: nLayers }, (_, layer) => layer).filter(isLocal);
  return localLayers.length === 0 ? everywhere : { window, localLayers };
}
