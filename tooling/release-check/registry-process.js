/** A process of its own for Verdaccio: `node registry-process.js <folder> <upstream> [<refused package>]`, its address by message. */
import { join } from 'node:path';
import { runServer } from 'verdaccio';

const [folder, upstream, refused] = process.argv.slice(2);
const ours = { access: '$all', publish: '$authenticated' };
const server = await runServer({
  configPath: join(folder, 'config.yaml'),
  self_path: folder,
  storage: folder,
  auth: { htpasswd: { file: join(folder, 'htpasswd') } },
  web: { enable: false },
  uplinks: { upstream: { url: upstream, cache: false, timeout: '60s' } },
  packages: {
    ...(refused && { [refused]: { ...ours, publish: 'somebody-else' } }),
    '@modajs/*': ours,
    '**': { access: '$all', proxy: 'upstream' },
  },
  max_body_size: '200mb',
  log: { type: 'stdout', format: 'json', level: 'error' },
});
server.listen(0, '127.0.0.1', () => process.send(`http://127.0.0.1:${server.address().port}`));
process.on('disconnect', () => process.exit());
