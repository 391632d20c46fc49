import { readFile } from 'node:fs/promises';
import { ConfigError } from '@modajs/tensor';
import {
  Field,
  mergeConfigs,
  parseConfigText,
  parseSetOption,
  type RawConfig,
  resolveConfig,
  type VariedValue,
} from '@modajs/train';

/** Values by dotted key. */
export type Grid = Readonly<Record<string, readonly VariedValue[]>>;

/** One step of a study: every variant runs at every point of its grid. */
export interface Phase {
  readonly name: string;
  readonly settings: RawConfig;
  readonly vary: Grid;
  /** Factor by which the grid of this key grows until the best value has a neighbour on either side; null for a fixed grid. */
  readonly extend: { readonly key: string; readonly factor: number } | null;
  /** Keys that take each variant's best value of an earlier phase, with its name. */
  readonly best: Readonly<Record<string, string>>;
}

/** One variant as the file describes it. */
export interface Variant {
  /** `group/name`; the name in a file without groups. */
  readonly id: string;
  readonly group: string;
  /** The variant that it is compared with; its own id for a baseline. */
  readonly baseline: string;
  /** Settings of the study, its group and itself. */
  readonly settings: RawConfig;
  /** Replaces the grid of a phase key by key. */
  readonly vary: Grid;
  /** The FFN is widened to the parameters of this variant; null leaves it. */
  readonly matchParameters: string | null;
  readonly isDepthFirst: boolean;
}

/** What finished models are measured with. */
export interface Measures {
  /** Folder of domains, one file each; null for none. */
  readonly perplexity: string | null;
  /** UTF-8 bytes read of each domain. */
  readonly perplexityBytes: number;
  readonly tasks: readonly string[];
  /** Folder of the tasks' files; null takes them from the hub. */
  readonly taskData: string | null;
  /** First so many documents of each task. */
  readonly taskLimit: number;
  /** Tokens of one scoring batch. */
  readonly batchTokens: number;
}

/** A study as its file describes it. */
export interface Study {
  readonly name: string;
  readonly preset: string;
  readonly phases: readonly Phase[];
  readonly variants: readonly Variant[];
  readonly measure: Measures;
  readonly source: string;
}

const isMapping = (value: unknown): value is RawConfig =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isValue = (value: unknown): value is VariedValue =>
  value === null || ['number', 'string', 'boolean'].includes(typeof value);

const text = (defaultValue: string, help: string) =>
  new Field<string>(defaultValue, 'text', help, (v) => (typeof v === 'string' && v !== '' ? v : undefined));

const optionalText = (help: string) =>
  new Field<string | null>(null, 'text, or null', help, (v) =>
    v === null || (typeof v === 'string' && v !== '') ? v : undefined,
  );

const positive = (defaultValue: number, help: string) =>
  new Field<number>(defaultValue, 'a whole number of at least 1', help, (v) =>
    Number.isSafeInteger(v) && (v as number) > 0 ? (v as number) : undefined,
  );

const mapping = (help: string) => new Field<RawConfig>({}, 'a mapping', help, (v) => (isMapping(v) ? v : undefined));

const mappings = (help: string) =>
  new Field<Readonly<Record<string, RawConfig>>>({}, 'a mapping of mappings', help, (v) =>
    isMapping(v) && Object.values(v).every(isMapping) ? (v as Record<string, RawConfig>) : undefined,
  );

const grid = (help: string) =>
  new Field<Grid>({}, 'a mapping from setting to a list of values', help, (v) =>
    isMapping(v) && Object.values(v).every((list) => Array.isArray(list) && list.length > 0 && list.every(isValue))
      ? (v as Grid)
      : undefined,
  );

/** A study's file. */
const studySchema = {
  name: text('study', 'Folder below --out'),
  preset: text('tiny', 'Settings that all variants start from'),
  settings: mapping('Settings of all variants'),
  seeds: new Field<readonly number[]>([], 'a list of whole numbers', 'Short for vary: { seed: [...] }', (v) =>
    Array.isArray(v) && v.every((seed) => Number.isSafeInteger(seed) && seed >= 0) ? v : undefined,
  ),
  vary: grid('Every variant runs at every combination'),
  variants: mappings('Settings by variant; matchParameters and vary are its own'),
  baseline: optionalText('The variant that others are compared with; the first when left out'),
  phases: new Field<readonly RawConfig[]>([], 'a list of mappings', 'Steps of the study', (v) =>
    Array.isArray(v) && v.every(isMapping) ? v : undefined,
  ),
  groups: mappings('Variants in groups, run in this order'),
  measure: {
    perplexity: optionalText('Folder of perplexity domains'),
    perplexityBytes: positive(65536, 'Bytes read of each domain'),
    tasks: new Field<readonly string[]>([], 'a list of task names', 'Tasks of moda eval', (v) =>
      Array.isArray(v) && v.every((task) => typeof task === 'string') ? v : undefined,
    ),
    taskData: optionalText('Folder of the tasks’ files'),
    taskLimit: positive(100, 'First so many documents of each task'),
    batchTokens: positive(16384, 'Tokens of one scoring batch'),
  },
};

const phaseSchema = {
  name: text('', 'Names its runs'),
  settings: mapping('Settings of its runs'),
  vary: grid('Every variant runs at every combination'),
  extend: new Field<Readonly<Record<string, number>>>(
    {},
    'one setting with a factor above 1',
    'Grows its grid until the best value is inside',
    (v) =>
      isMapping(v) &&
      Object.keys(v).length === 1 &&
      Object.values(v).every((factor) => typeof factor === 'number' && factor > 1)
        ? (v as Record<string, number>)
        : undefined,
  ),
  best: new Field<Readonly<Record<string, string>>>(
    {},
    'settings with the name of a phase',
    'Takes the best value',
    (v) =>
      isMapping(v) && Object.values(v).every((phase) => typeof phase === 'string')
        ? (v as Record<string, string>)
        : undefined,
  ),
};

const groupSchema = {
  settings: mapping('Settings of its variants'),
  variants: mappings('Settings by variant'),
  baseline: optionalText('A variant of this group, or group/variant'),
  vary: grid('Replaces the grid of the phases key by key'),
  order: new Field<'phases' | 'variants'>(
    'phases',
    'phases or variants',
    'phases: all variants of a phase before the next; variants: all phases of a variant',
    (v) => (v === 'phases' || v === 'variants' ? v : undefined),
  ),
};

/** The phase of a study that names none. */
export const ONLY_PHASE = 'runs';

/**
 * Reads and checks a study's file.
 *
 * @param set `key=value` each, on top of the settings of every variant
 * @throws ConfigError naming the key
 */
export async function readStudyFile(path: string, set: readonly string[] = []): Promise<Study> {
  const source = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`study: ${path} must be a readable YAML file, got ${error.code}. Check the path.`, { path });
  });
  return parseStudy(source, path, set);
}

/** The study in a file's text. @throws ConfigError */
export function parseStudy(source: string, path: string, set: readonly string[] = []): Study {
  const file = resolveConfig(studySchema, parseConfigText(source, path), path);
  const seeds: Grid = file.seeds.length > 0 ? { seed: file.seeds } : {};
  const vary = { ...seeds, ...file.vary };
  const overrides = set.map((option) => parseSetOption(option));
  const isPlain = file.phases.length === 0;
  const phases = isPlain
    ? [{ name: ONLY_PHASE, settings: {}, vary, extend: null, best: {} }]
    : file.phases.map((raw, i) => parsePhase(raw, `${path}: phases[${i}]`, vary, overrides));
  checkPhases(phases, path);
  const common = mergeConfigs(file.settings, ...overrides);
  const groups: Readonly<Record<string, RawConfig>> =
    Object.keys(file.groups).length > 0
      ? file.groups
      : { '': { variants: file.variants, ...(file.baseline === null ? {} : { baseline: file.baseline }) } };
  const variants = Object.entries(groups).flatMap(([group, raw]) => parseGroup(group, raw, path, common, overrides));
  if (variants.length === 0) throw new ConfigError(`study: ${path} must have at least one variant, got none.`);
  for (const variant of variants) checkReferences(variant, variants, path);
  const { name, preset, measure } = file;
  return { name, preset, phases, variants, measure, source };
}

function parsePhase(raw: RawConfig, where: string, common: Grid, overrides: readonly RawConfig[]): Phase {
  const { name, settings, vary, extend, best } = resolveConfig(phaseSchema, raw, where);
  if (name === '') throw new ConfigError(`${where}: name must be given, got none.`);
  const [key, factor] = Object.entries(extend)[0] ?? [];
  return {
    name,
    settings: mergeConfigs(settings, ...overrides),
    vary: { ...common, ...vary },
    extend: key === undefined ? null : { key, factor },
    best,
  };
}

function checkPhases(phases: readonly Phase[], path: string): void {
  phases.forEach(({ name, vary, extend, best }, i) => {
    const earlier = phases.slice(0, i).map((phase) => phase.name);
    if (earlier.includes(name))
      throw new ConfigError(`study: ${path}: phases must have different names, got ${name} twice.`);
    const values = extend === null ? [] : (vary[extend.key] ?? []);
    if (extend !== null && (values.length === 0 || values.some((value) => typeof value !== 'number' || value <= 0))) {
      throw new ConfigError(
        `study: ${path}: extend needs numbers above 0 in vary.${extend.key}, got ${JSON.stringify(values)}.`,
      );
    }
    for (const [key, phase] of Object.entries(best)) {
      if (earlier.includes(phase) && key in (phases.find((one) => one.name === phase)?.vary ?? {})) continue;
      throw new ConfigError(
        `study: ${path}: best.${key} of phase ${name} must name an earlier phase that varies it, got ${phase}. There are ${earlier.join(', ') || 'none'}.`,
      );
    }
  });
}

function parseGroup(
  group: string,
  raw: RawConfig,
  path: string,
  common: RawConfig,
  overrides: readonly RawConfig[],
): Variant[] {
  const where = group === '' ? path : `${path}: groups.${group}`;
  const { settings, variants, baseline, vary, order } = resolveConfig(groupSchema, raw, where);
  const idOf = (name: string): string => (group === '' ? name : `${group}/${name}`);
  const names = Object.keys(variants);
  const isOwn = baseline === null || names.includes(baseline);
  const baselineId = isOwn ? idOf(baseline ?? names[0]) : baseline;
  return names.map((name) => {
    const { matchParameters = null, vary: own = {}, ...rest } = variants[name];
    if (matchParameters !== null && typeof matchParameters !== 'string') {
      throw new ConfigError(
        `${where}: ${name}.matchParameters must be a variant, got ${JSON.stringify(matchParameters)}.`,
      );
    }
    const checked = resolveConfig({ vary: groupSchema.vary }, { vary: own as RawConfig }, `${where}: ${name}`);
    return {
      id: idOf(name),
      group,
      baseline: baselineId,
      settings: mergeConfigs(common, settings, rest, ...overrides),
      vary: { ...vary, ...checked.vary },
      matchParameters:
        matchParameters === null ? null : names.includes(matchParameters) ? idOf(matchParameters) : matchParameters,
      isDepthFirst: order === 'variants',
    };
  });
}

function checkReferences({ id, baseline, matchParameters }: Variant, all: readonly Variant[], path: string): void {
  for (const [what, other] of Object.entries({ baseline, matchParameters })) {
    if (other === null || all.some((variant) => variant.id === other)) continue;
    throw new ConfigError(
      `study: ${path}: ${what} of ${id} must be a variant, got ${other}. There are ${all.map((variant) => variant.id).join(', ')}.`,
    );
  }
}
