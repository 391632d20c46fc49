import { library } from '@modajs/build/tsup';

export default library();
