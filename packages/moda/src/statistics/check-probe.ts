import {
  checkedLater,
  checkFields,
  checkNames,
  checkOperands,
  isReading,
  type OptionChecks,
  orNull,
  whole,
} from '@modajs/tensor/checks';
import type { AttentionProbe } from './attention-probe.ts';

const PROBE: OptionChecks<AttentionProbe> = {
  q: checkedLater,
  sequenceQ: checkedLater,
  k: checkedLater,
  docRange: checkedLater,
  slots: checkedLater,
  lse: checkedLater,
  Tk: whole(1),
  depth: orNull(isReading),
  firstPosition: whole(),
  config: checkNames,
};

/** What an attention layer hands to its observers. @throws ConfigError | DeviceError; AutogradError after the callback */
export function checkProbe(operation: string, probe: AttentionProbe): void {
  checkFields(operation, 'probe', probe, PROBE);
  const { q, sequenceQ, k, lse } = probe;
  checkOperands(operation, { 'probe.q': q, 'probe.sequenceQ': sequenceQ, 'probe.k': k, 'probe.lse': lse });
}
