/**
 * The lines of the change logs: what changed, as its author wrote it for users. No commits, which users cannot read, and no lines for
 * packages that moved only because all have one version (docs/decisions/048).
 */
module.exports = {
  getReleaseLine: async ({ summary }) => {
    const [first, ...rest] = summary.trim().split('\n');
    return [`- ${first}`, ...rest.map((line) => (line === '' ? '' : `  ${line}`))].join('\n');
  },
  getDependencyReleaseLine: async () => '',
};
