export function partNotRun(need: string): void;
