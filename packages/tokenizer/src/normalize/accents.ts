import { categoryClass } from '../unicode/general-category.ts';
import { rangesClass } from '../unicode/ranges-class.ts';

/** Marks that StripAccents keeps because the official library has an older table (scripts/print-older-tables.js). */
const KEPT_MARKS =
  '7fd 897-89f 8ca-8d3 9fe afa-aff b55 c04 c3c cf3 d00 d3b-d3c d81 eba ece 1715 180f 1abf-1ace 1cf7 1df6-1dfa a82c a8ff ' +
  '10d24-10d27 10d69-10d6d 10eab-10eac 10efc-10eff 10f46-10f50 10f82-10f85 11070 11073-11074 110c2 11145-11146 111c9 ' +
  '111ce-111cf 11241 1133b 113b8-113c0 113c2 113c5 113c7-113ca 113cc-113d0 113d2 113e1-113e2 1145e 1182c-1183a ' +
  '11930-11935 11937-11938 1193b-1193e 11940 11942-11943 119d1-119d7 119da-119e0 119e4 11a01-11a0a 11a33-11a39 ' +
  '11a3b-11a3e 11a47 11a51-11a5b 11a8a-11a99 11d31-11d36 11d3a 11d3c-11d3d 11d3f-11d45 11d47 11d8a-11d8e 11d90-11d91 ' +
  '11d93-11d97 11ef3-11ef6 11f00-11f01 11f03 11f34-11f3a 11f3e-11f42 11f5a 13440 13447-13455 1611e-1612f 16f4f ' +
  '16f7f-16f87 16fe4 16ff0-16ff1 1cf00-1cf2d 1cf30-1cf46 1e08f 1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef';
/** Two that it takes out although newer tables no longer call them marks. */
const TAKEN_MARKS = '1cf2-1cf3';
/** The same of nonspacing marks, which BertNormalizer takes out. */
const KEPT_NONSPACING =
  '7fd 897-89f 8ca-8e1 9fe afa-aff b55 c04 c3c d00 d3b-d3c d81 eba ece 180f 1885-1886 1abf-1ace 1df6-1dfb a82c a8c5 ' +
  'a8ff a9bd 10d24-10d27 10d69-10d6d 10eab-10eac 10efc-10eff 10f46-10f50 10f82-10f85 11070 11073-11074 110c2 111c9 ' +
  '111cf 1123e 11241 1133b 113bb-113c0 113ce 113d0 113d2 113e1-113e2 11438-1143f 11442-11444 11446 1145e 1182f-11837 ' +
  '11839-1183a 1193b-1193c 1193e 11943 119d4-119d7 119da-119db 119e0 11a01-11a0a 11a33-11a38 11a3b-11a3e 11a47 ' +
  '11a51-11a56 11a59-11a5b 11a8a-11a96 11a98-11a99 11c30-11c36 11c38-11c3d 11c3f 11c92-11ca7 11caa-11cb0 11cb2-11cb3 ' +
  '11cb5-11cb6 11d31-11d36 11d3a 11d3c-11d3d 11d3f-11d45 11d47 11d90-11d91 11d95 11d97 11ef3-11ef4 11f00-11f01 ' +
  '11f36-11f3a 11f40 11f42 11f5a 13440 13447-13455 1611e-16129 1612d-1612f 16f4f 16fe4 1cf00-1cf2d 1cf30-1cf46 ' +
  '1e000-1e006 1e008-1e018 1e01b-1e021 1e023-1e024 1e026-1e02a 1e08f 1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef ' +
  '1e5ee-1e5ef 1e944-1e94a';
const TAKEN_NONSPACING = '1734 1171e';

/** Whether a character is of a category, but for exceptions. The expression is made at first use. */
function memberOf(category: string, kept: string, taken: string): (character: string) => boolean {
  let members: RegExp | undefined;
  return (character) => {
    if (character <= '\x7f') return false;
    members ??= new RegExp(`(?![${rangesClass(kept)}])[${categoryClass(category)}${rangesClass(taken)}]`, 'u');
    return members.test(character);
  };
}

/** Whether StripAccents takes the character out. */
export const isAccent: (character: string) => boolean = memberOf('M', KEPT_MARKS, TAKEN_MARKS);

/** Whether BertNormalizer takes the character out as an accent. */
export const isNonspacingMark: (character: string) => boolean = memberOf('Mn', KEPT_NONSPACING, TAKEN_NONSPACING);
