import { RandomText } from '@modajs/vitest/random-text';
import { TokenizerError } from '../src/errors.ts';
import { Tokenizer } from '../src/tokenizer.ts';
import { generateFile, generateText, hasOffsets, isAmbiguous } from './family.ts';
import { difference, OfficialTokenizer } from './official.ts';

/** What was found on generated files, and how many texts were compared. */
export interface FamilyComparison {
  readonly found: readonly string[];
  readonly compared: number;
}

/** Compares `files` generated files, from a seed on, with the official library on `texts` texts each. */
export async function compareFamily(firstSeed: number, files: number, texts: number): Promise<FamilyComparison> {
  const found: string[] = [];
  let compared = 0;
  for (let seed = firstSeed; seed < firstSeed + files; seed++) {
    const random = new RandomText(seed);
    const file = generateFile(random);
    const official = OfficialTokenizer.fromString(JSON.stringify(file));
    const normalizer = official.getNormalizer();
    if (isAmbiguous(file, (text) => (normalizer ? normalizer.normalizeString(text) : text))) continue;
    const ours = load(JSON.stringify(file));
    if (!ours) continue;
    for (let i = 0; i < texts; i++, compared++) {
      const problem = await difference(ours, official, generateText(random), hasOffsets(file));
      if (problem) found.push(`file ${seed}: ${problem}`);
    }
  }
  return { found, compared };
}

/** The only files of the family that are refused: for such a token the official library cuts between all bytes. */
function load(json: string): Tokenizer | undefined {
  try {
    return Tokenizer.fromJson(json);
  } catch (error) {
    if (error instanceof TokenizerError && error.message.includes('must not be normalized to nothing'))
      return undefined;
    throw error;
  }
}
