import { library } from '@modajs/build/tsup';

export default library({
  entry: ['src/index.ts', 'src/chat/index.ts', 'src/node/index.ts', 'src/node/encode-worker.ts'],
  external: [/^node:/],
});
