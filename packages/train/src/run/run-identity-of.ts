import {
  type DecoderConfig,
  type DecoderConfigInput,
  defineDecoderConfig,
  isEarlierDepth,
  isEarlierField,
  nestDepth,
} from '@modajs/models';
import { flattenIdentity, type RunIdentity } from '../checkpoint/run-identity.ts';
import { sha256 } from '../checkpoint/sha256.ts';
import { Field, type Section } from '../config/field.ts';
import { resolveConfig } from '../config/resolve-config.ts';
import { type RunConfig, runSchema } from '../config/run-config.ts';

/**
 * What must be the same for a resumed run to continue the same computation: seed, model, tokenizer, data, optimiser,
 * schedule, and the weights that it started from (`origin`). The number of steps is part of the schedule that a checkpoint records (`requireResumable`); ranks may come and
 * go; evaluation, samples, checkpoints and logging may change.
 */
export async function runIdentityOf(
  config: RunConfig,
  model: DecoderConfig,
  tokenizerJson: string,
  origin: { readonly sha256: string } | null = null,
): Promise<RunIdentity> {
  const { seed, data, training, optimizer, schedule, lossScale, lora } = config;
  const { steps: _, activationCheckpointing: __, shardOptimizer: ___, diloco, ...trainingIdentity } = training;
  const { patienceSeconds: _____, ...dilocoIdentity } = diloco;
  const { onInvalid: ____, ...dataIdentity } = data;
  return flattenIdentity({
    seed,
    model,
    tokenizer: { sha256: await sha256(new TextEncoder().encode(tokenizerJson)) },
    data: dataIdentity,
    training: { ...trainingIdentity, ...(training.sync === 'diloco' ? { diloco: dilocoIdentity } : {}) },
    optimizer,
    schedule,
    lossScale,
    ...(lora.rank === null ? {} : { lora }),
    ...(origin === null ? {} : { from: { sha256: origin.sha256 } }),
  });
}

/**
 * A checkpoint's identity as this version would have saved it. Settings that did not exist then have the value that runs had
 * without them (`Field.since`, defaults of `defineDecoderConfig`), entries of lists are completed, and settings that no
 * longer matter are left out; depth options in their earlier, flat form have that of today (`nestDepth`). Keys that this version does
 * not know stay, to be refused.
 *
 * @param current identity of the run that resumes: which keys matter today
 */
export function completeIdentity(identity: RunIdentity, current: RunIdentity): RunIdentity {
  const saved = withNestedDepth(identity);
  const earlier = earlierValues(saved);
  const complete: Record<string, RunIdentity[string]> = {};
  for (const [key, value] of Object.entries(saved)) {
    const field = fieldAt(runSchema, key);
    if (Object.hasOwn(current, key) || field === null) complete[key] = field ? completed(field, value) : value;
  }
  for (const key of Object.keys(current)) {
    if (!Object.hasOwn(saved, key) && Object.hasOwn(earlier, key)) complete[key] = earlier[key];
  }
  return complete;
}

/** Of every setting of a run, what a checkpoint means that does not have it. The identities of other programs have none. */
function earlierValues(saved: RunIdentity): RunIdentity {
  const model = modelOf(saved);
  if (Object.keys(model).length === 0) return {};
  const settings = flattenIdentity(resolveConfig(runSchema, {}, 'checkpoint', 'earlier'));
  return { ...settings, ...flattenIdentity({ model: modelDefaults(model) }) };
}

/** The fields of the model that an identity has as dotted keys. */
function modelOf(identity: RunIdentity): Record<string, unknown> {
  const model: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(identity)) {
    const [section, ...path] = key.split('.');
    if (section !== 'model' || path.length === 0) continue;
    const last = path.pop()!;
    let at = model;
    for (const part of path) {
      if (typeof at[part] !== 'object' || at[part] === null) at[part] = {};
      at = at[part] as Record<string, unknown>;
    }
    at[last] = listOf(value) ?? value;
  }
  return model;
}

/** An identity with the options of its depth mechanism where today's identities have them. */
function withNestedDepth(identity: RunIdentity): RunIdentity {
  const model = modelOf(identity);
  if (!isEarlierDepth(model)) return identity;
  let depth: unknown;
  try {
    ({ depth } = nestDepth(model));
  } catch {
    // No mechanism ever had these options: their keys are refused by name.
    return identity;
  }
  const isOfDepth = (key: string): boolean => key === 'model.depth' || isEarlierField(key.slice('model.'.length));
  const others = Object.fromEntries(Object.entries(identity).filter(([key]) => !isOfDepth(key)));
  return { ...others, ...flattenIdentity({ model: depth === undefined ? {} : { depth } }) };
}

/** A model's configuration completed; nothing for one that this version cannot make, whose keys are then refused by name. */
function modelDefaults(saved: object): Partial<DecoderConfig> {
  try {
    return defineDecoderConfig(saved as DecoderConfigInput);
  } catch {
    return {};
  }
}

function fieldAt(section: Section, key: string): Field<unknown> | null {
  let at: Section | Field<unknown> | undefined = section;
  for (const part of key.split('.')) {
    if (at === undefined || at instanceof Field || !Object.hasOwn(at, part)) return null;
    at = at[part];
  }
  return at instanceof Field ? at : null;
}

/** A list's entries in today's form; other values, and lists that are no longer accepted, as they are. */
function completed(field: Field<unknown>, value: RunIdentity[string]): RunIdentity[string] {
  const saved = listOf(value);
  const list = saved === null ? null : field.parse(saved);
  return Array.isArray(list) ? JSON.stringify(list) : value;
}

/** The list that a value is the JSON text of; null when it is none. */
function listOf(value: RunIdentity[string]): readonly unknown[] | null {
  if (typeof value !== 'string' || !value.startsWith('[')) return null;
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}
