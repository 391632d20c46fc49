import type { Activation } from '../../config/block-config.ts';

const tanhGelus = ['gelu_new', 'gelu_pytorch_tanh', 'gelu_fast', 'gelu_accurate', 'gelu_python_tanh'];
const erfGelus = ['gelu', 'gelu_python'];
const silus = ['silu', 'swish'];

function named(table: Readonly<Partial<Record<Activation, readonly string[]>>>): Readonly<Record<string, Activation>> {
  return Object.fromEntries(
    Object.entries(table).flatMap(([activation, names]) => names.map((name) => [name, activation as Activation])),
  );
}

/** What transformers calls the function of a gate. */
export const gatedActivations = named({ swiglu: silus, geglu: tanhGelus, 'geglu-erf': erfGelus, reglu: ['relu'] });

/** What transformers calls the function of an FFN without gate. */
export const plainActivations = named({
  gelu: tanhGelus,
  'gelu-erf': erfGelus,
  'gelu-sigmoid': ['quick_gelu'],
  relu: ['relu'],
  relu2: ['relu2'],
  silu: silus,
  tanh: ['tanh'],
  sigmoid: ['sigmoid'],
});

/** The name that transformers gives an activation. */
export function activationName(activation: Activation): string {
  const tables = [gatedActivations, plainActivations];
  return tables.flatMap((table) => Object.entries(table)).find(([, one]) => one === activation)![0];
}
