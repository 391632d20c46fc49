/** How a command ends; the README's table says the same. */
export const EXIT = {
  /** Done, or stopped by the first Ctrl-C with everything saved. */
  done: 0,
  /** A check that failed (`moda doctor`), or a fault of moda. */
  failed: 1,
  /** Something that the user can fix: command line, settings, data, files, device, disk, a run that is in use. */
  refused: 2,
  /** `moda eval`: a task has no value. */
  incomplete: 3,
  /** Ctrl-C before there was a result (`moda eval`), or a second Ctrl-C. */
  interrupted: 130,
} as const;
