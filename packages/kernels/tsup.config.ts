import { library } from '@modajs/build/tsup';

export default library({ entry: { index: 'src/index.ts', 'testing/index': 'src/testing/index.ts' } });
