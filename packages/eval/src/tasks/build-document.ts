import { ConfigError, DataError } from '../errors/errors.ts';
import type { Row, TaskDocument, TaskSpec } from './task.ts';
import { renderList, renderText, type TemplatePlace } from './template.ts';

/**
 * What stands before every prompt of a task: its description, then `shots` examples, each followed by a blank line.
 * Examples are the task's fixed texts, or `rows` rendered with its own prompt and their gold choice.
 *
 * @throws ConfigError when `shots` is negative or more than there are examples.
 */
export function promptHeader(spec: TaskSpec, shots: number, rows: readonly Row[] = []): string {
  const available = spec.fewShot?.kind === 'texts' ? spec.fewShot.texts.length : rows.length;
  if (!Number.isInteger(shots) || shots < 0 || shots > available) {
    const message = `${spec.name}: shots must be an integer from 0 to the ${available} examples there are, got ${shots}. Use --shots ${available} or fewer.`;
    throw new ConfigError(message, 'shots');
  }
  const texts =
    spec.fewShot?.kind === 'texts' ? spec.fewShot.texts.slice(0, shots) : rows.slice(0, shots).map(asExample);
  return (spec.description ?? '') + texts.map((text) => `${text}\n\n`).join('');

  function asExample(row: Row, index: number): string {
    const { contexts, continuations, gold } = buildDocument(spec, row, { docId: index, rowIndex: index }, '');
    return contexts[gold] + continuations[gold];
  }
}

/** Where a row stands: in the evaluated order, and in its file (they differ under a random sample). */
export interface DocumentPosition {
  readonly docId: number;
  readonly rowIndex: number;
}

/**
 * Turns one official row into contexts, continuations and gold index.
 * `context = header + prompt` (see {@link promptHeader}), `continuation = ' ' + choice`.
 *
 * @throws DataError naming task, document and field: a missing field, an empty choice, a gold that is no choice.
 */
export function buildDocument(spec: TaskSpec, row: Row, position: DocumentPosition, header: string): TaskDocument {
  const nativeId = nativeIdOf(spec, row, position.rowIndex);
  const place = { task: spec.name, document: nativeId };
  const fields = prepare(spec, row, position.rowIndex, place);
  const choices = renderList(spec.choices, fields, place);
  choices.forEach((choice, i) => {
    if (choice.trim() !== '') return;
    const message = `${spec.name}: choice ${i} of document ${nativeId} must not be empty, got ${JSON.stringify(choice)}.`;
    throw new DataError(message, { ...place, field: `choices.${i}` });
  });
  return {
    task: spec.name,
    docId: position.docId,
    nativeId,
    row,
    contexts: perChoice(spec.prompt, choices.length, fields, place).map((prompt) => header + prompt),
    continuations: choices.map((choice) => ` ${choice}`),
    unconditioned: spec.unconditioned === null ? null : perChoice(spec.unconditioned, choices.length, fields, place),
    gold: goldIndex(spec, fields, choices.length, place),
  };
}

function nativeIdOf(spec: TaskSpec, row: Row, index: number): string | number {
  const id = spec.idField === undefined ? undefined : row[spec.idField];
  return typeof id === 'string' || typeof id === 'number' ? id : index;
}

function prepare(spec: TaskSpec, row: Row, index: number, place: TemplatePlace): Row {
  if (spec.prepare === undefined) return row;
  try {
    return spec.prepare(row, index);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const field = cause instanceof DataError ? cause.field : undefined;
    throw new DataError(
      `${spec.name}: document ${place.document} cannot be read: ${reason}`,
      { ...place, field },
      { cause },
    );
  }
}

function perChoice(template: string | readonly string[], count: number, fields: Row, place: TemplatePlace): string[] {
  if (typeof template === 'string') {
    const text = renderText(template, fields, place);
    return new Array<string>(count).fill(text);
  }
  return renderList(template, fields, place);
}

function goldIndex(spec: TaskSpec, fields: Row, count: number, place: TemplatePlace): number {
  const value = renderText(spec.gold, fields, place).trim();
  const labels = spec.goldLabels === undefined ? undefined : renderList(spec.goldLabels, fields, place);
  // Number('') is 0: a row without a label must not pass as one whose first choice is right.
  const position = /^\d+$/.test(value) ? Number(value) : -1;
  const index = labels === undefined ? position : labels.indexOf(value);
  if (index < 0 || index >= count) {
    const expected = labels === undefined ? `an index below ${count}` : `one of ${labels.join(', ')}`;
    const message = `${place.task}: gold of document ${place.document} must be ${expected}, got ${JSON.stringify(value)}. Does the split have labels?`;
    throw new DataError(message, { ...place, field: spec.gold });
  }
  return index;
}
