import { library } from '@modajs/build/tsup';

export default library({
  entry: { 'server/index': 'src/server/index.ts' },
  platform: 'node',
  removeNodeProtocol: false,
});
