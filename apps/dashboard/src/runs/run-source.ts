import type { RunSeries, SeriesRequest } from '../series/run-series.ts';

/** Text that a trained model wrote after a prompt. */
export interface Sample {
  readonly prompt: string;
  readonly text: string;
}

/** Where the curves and files of one run come from: `moda dashboard`, or files that the visitor dropped. */
export interface RunSource {
  series(request: SeriesRequest): Promise<RunSeries & { readonly generation?: string }>;
  /** `config.json` as it stands; null when there is none or it is damaged. */
  config(): Promise<unknown>;
  /** Texts of `samples.json`; none when there is no such file or it is damaged. */
  samples(): Promise<readonly Sample[]>;
}

/** The samples in the text of a `samples.json`. */
export function parseSamples(value: unknown): readonly Sample[] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (sample): sample is Sample => typeof sample?.prompt === 'string' && typeof sample?.text === 'string',
  );
}

/** The value of a JSON text; null when it is none, half-written say. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
