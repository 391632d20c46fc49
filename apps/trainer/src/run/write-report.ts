import { join } from 'node:path';
import { type ReportContent, type RunConfig, type RunStorage, reportHtml } from '@modajs/train';

/** What a report shows of a run. */
export interface ReportInputs extends Omit<ReportContent, 'title' | 'config'> {
  readonly name: string;
  readonly config: { readonly run: RunConfig; readonly model: object };
}

/** Writes `samples.json` and the self-contained `report.html`. @returns where the report is */
export async function writeReport(storage: RunStorage, inputs: ReportInputs): Promise<string> {
  const { name, ...content } = inputs;
  await storage.write('samples.json', `${JSON.stringify(inputs.samples, null, 2)}\n`);
  await storage.write('report.html', reportHtml({ title: `moda run ${name}`, ...content }));
  return join(storage.location, 'report.html');
}
