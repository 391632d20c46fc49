/**
 * The cure for an operand or launch beyond a device's limits, in the words of whoever chose its sizes: who calls a model has
 * neither M nor N, and cannot split a product that the model makes.
 */
export const SMALLER_OPERAND =
  'Lower what makes it large (the batch, seqLen, dModel, dFf or vocabSize of a model), store it as f16, or use the cpu device.';
