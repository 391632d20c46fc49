/** Puts a shader together from the files that it imports: its whole text, and all files it is made of. */
export function assembleWgsl(path: string, read?: (path: string) => string): { text: string; files: string[] };
/** A shader with its layout taken out: the same tokens and markers on the same lines. */
export function withoutLayout(text: string): string;
