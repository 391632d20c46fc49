const SUBGROUP_LINE = /^.*\/\/ @subgroups$\n/gm;

/**
 * The shader for devices without subgroups: lines that end in `// @subgroups` are left out.
 *
 * @param source WGSL text, valid as it stands
 */
export function withoutSubgroups(source: string): string {
  return source.replace(SUBGROUP_LINE, '');
}
