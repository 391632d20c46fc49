import { ConfigError, shown } from '@modajs/tensor';
import { mechanismNamed, mechanisms } from '../depth/mechanisms.ts';
import type { FieldRule } from './field-rule.ts';
import { refuseConfig } from './refuse-config.ts';

/**
 * The options of depth mechanisms as they were until 0.0.0: fields beside `depth`, whose value was a name. Saved runs,
 * checkpoints, exported models and studies have them; `nestDepth` alone reads them.
 */
export interface EarlierDepthFields {
  /** @deprecated `depth: { kind: 'moda', ffnProjection }` */
  readonly depthFfnProjection?: boolean;
  /** @deprecated `depth: { kind: 'moda', attentionProjection }` */
  readonly depthAttentionProjection?: boolean;
  /** @deprecated `depth: { kind: 'moda', lastProjection }` */
  readonly depthLastProjection?: boolean;
  /** @deprecated `depth: { kind: 'moda', keyNorm }` */
  readonly depthKeyNorm?: 'none' | 'writer' | 'reader';
  /** @deprecated `depth: { kind: 'moda', rope }` */
  readonly depthRope?: 'none' | 'shared';
  /** @deprecated `depth: { kind: 'moda', gate }` */
  readonly depthGate?: boolean;
  /** @deprecated `depth: { kind: 'moda-chunk-visible', chunk }` */
  readonly depthChunk?: number;
  /** @deprecated `depth: { kind: 'moda', slots }` */
  readonly depthSlots?: number | null;
  /** @deprecated `depth: { kind: 'moda', slotsBy }` */
  readonly depthSlotsBy?: 'recency' | 'score' | 'both';
  /** @deprecated `depth: { kind: 'hyper-connections', streams }` */
  readonly hyperStreams?: number;
  /** @deprecated `depth: { kind: 'attention-residual-block', blocks }` */
  readonly residualBlock?: number;
}

/** The option that a field has become, and the one value that mechanisms without the option allowed; absent: they allowed all. */
interface EarlierField {
  readonly option: string;
  readonly idle?: unknown;
}

const fields: { readonly [field in keyof Required<EarlierDepthFields>]: EarlierField } = {
  depthFfnProjection: { option: 'ffnProjection', idle: false },
  depthAttentionProjection: { option: 'attentionProjection', idle: false },
  depthLastProjection: { option: 'lastProjection', idle: false },
  depthKeyNorm: { option: 'keyNorm' },
  depthRope: { option: 'rope' },
  depthGate: { option: 'gate', idle: false },
  depthChunk: { option: 'chunk', idle: 1 },
  depthSlots: { option: 'slots', idle: null },
  depthSlotsBy: { option: 'slotsBy', idle: 'recency' },
  hyperStreams: { option: 'streams' },
  residualBlock: { option: 'blocks' },
};

type Fields = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a model's fields say its depth mechanism in the earlier form. */
export function isEarlierDepth(model: Fields): boolean {
  return typeof model['depth'] === 'string' || Object.keys(model).some((key) => Object.hasOwn(fields, key));
}

/** Whether a field was one of the flat options of depth mechanisms. */
export function isEarlierField(key: string): boolean {
  return Object.hasOwn(fields, key);
}

/**
 * A model's fields with the options of its depth mechanism under `depth`, where today's configurations have them. A flat option is
 * laid over a nested one. Fields that the mechanism does not have were allowed as long as they changed nothing: they are left out.
 * Everything else is given back as it came.
 *
 * @param kind the mechanism where `depth` names none
 * @throws ConfigError for a flat option that its mechanism does not have, or a value that it never had
 */
export function nestDepth(model: Fields, kind = 'residual'): Fields {
  const flat = Object.entries(model).filter(([key, value]) => isEarlierField(key) && value !== undefined);
  const rest = Object.fromEntries(Object.entries(model).filter(([key]) => !isEarlierField(key)));
  const { depth = {} } = rest;
  const given = typeof depth === 'string' ? { kind: depth } : depth;
  if (!isMapping(given)) return rest;
  const named = given['kind'] ?? kind;
  const mechanism = typeof named === 'string' ? mechanismNamed(named) : null;
  const nested: Record<string, unknown> = { ...given };
  for (const [key, value] of flat) {
    const { option } = fields[key as keyof EarlierDepthFields];
    if (mechanism && Object.hasOwn(mechanism.options, option)) nested[option] = value;
    else if (mechanism) requireIdle(key as keyof EarlierDepthFields, value, mechanism.kind);
  }
  return Object.keys(nested).length === 0 ? rest : { ...rest, depth: nested };
}

/** @throws ConfigError unless an option that its mechanism does not have was left at what it always was */
function requireIdle(key: keyof EarlierDepthFields, value: unknown, kind: string): void {
  const field = fields[key];
  const owners = mechanisms.filter(({ options }) => Object.hasOwn(options, field.option));
  const { rule } = (owners[0].options as Readonly<Record<string, { readonly rule: FieldRule }>>)[field.option];
  if (!rule.accepts(value)) {
    throw new ConfigError(`config: ${key} must be ${rule.expected}, got ${shown(value)}. Change the value.`, {
      key,
      value,
    });
  }
  if (!('idle' in field) || value === field.idle) return;
  const names = owners.map((owner) => `'${owner.kind}'`).join(' or ');
  refuseConfig(`${key} needs depth ${names}`, { depth: kind, [key]: value }, `Set ${key} to ${shown(field.idle)}.`);
}
