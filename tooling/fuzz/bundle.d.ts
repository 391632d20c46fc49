export function bundle(targets?: string, name?: string): Promise<string>;
