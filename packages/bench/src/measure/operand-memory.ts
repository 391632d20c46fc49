/** Named operands on a device. Elements count from 0; f16 is read as numbers. */
export interface OperandMemory {
  /** A zero-filled operand. */
  allocate(name: string, count: number, dtype: 'f32' | 'f16'): void;
  /** An operand that holds `randomValue(index, seed)`. */
  fill(name: string, count: number, dtype: 'f32' | 'f16', seed: number): Promise<void>;
  read(name: string, first: number, count: number): Promise<Float64Array>;
}
