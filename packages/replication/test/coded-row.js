import { codeRow, codeWords } from '../src/pipeline/row-code.js';
/** The code of `lanes` against `ref`, all groups predicted alike; it begins at word 0. */
export function codedRow({ groups }, lanes, age, ref, line = false) {
    const schema = { groups };
    const words = new Int32Array(codeWords(schema));
    codeRow(schema, lanes, 0, age, ref, new Uint8Array(groups.length).fill(line ? 1 : 0), words, 0);
    return words;
}
/** Groups that begin at half their width. */
export function startOf({ groups }, line = false) {
    return {
        line: new Uint8Array(groups.length).fill(line ? 1 : 0),
        width: Uint8Array.from(groups, ({ bits }) => bits >> 1),
    };
}
//# sourceMappingURL=coded-row.js.map