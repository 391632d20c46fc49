/** Bundles a program of this workspace for Node from its TypeScript sources; native packages stay outside. */
export declare function bundleProgram(entry: string, outfile: string): Promise<unknown>;
