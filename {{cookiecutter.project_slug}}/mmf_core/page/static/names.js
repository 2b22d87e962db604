// Names of columns: in which row they are, and which of those that are expected are missing.

const MAX_HEADER = 20; // rows above the header, at most
const MIN_LIKENESS = 0.75;

const isNamed = (name) => name !== null && name !== "" && !/^Unnamed: \d+$/.test(name);
const letters = (name) => String(name).toLowerCase().replace(/[^\p{L}\p{N}]/gu, "") || String(name);

// Returns how many rows there are above that of the names: 0 unless a title stands there.
export function titleRows({ columns, data }, expected) {
  const rows = [columns, ...data.slice(0, MAX_HEADER)];
  if (expected.length) {
    const known = new Set(expected.map(letters));
    const scores = rows.map((row) => row.filter((name) => known.has(letters(name))).length);
    const best = Math.max(...scores);
    return scores[0] === best || best < expected.length / 2 ? 0 : scores.indexOf(best);
  }
  const named = rows[0].filter(isNamed);
  if (named.length > 1 || named[0] !== rows[0][0] || rows[0].length === 2) return 0; // two may be columns
  const isHeader = (row) => row.length > 1 && new Set(row).size === row.length
    && row.every((name) => typeof name === "string" && isNamed(name) && Number.isNaN(Number(name)));
  return Math.max(0, rows.findIndex(isHeader));
}

// Returns [name, similar name that is there instead or undefined] of each column that is missing.
export function missingNames(columns, expected) {
  const others = columns.map(String).filter((name) => !expected.includes(name));
  return expected.filter((name) => !columns.includes(name)).map((name) => [name, similar(name, others)]);
}

function similar(name, others) {
  const same = others.find((other) => letters(other) === letters(name));
  if (same || name.length > 40) return same;
  const likeness = others.slice(0, 20).map((other) => [alike(name, other.slice(0, 40)), other]);
  const [most, other] = likeness.reduce((best, one) => (one[0] > best[0] ? one : best), [0]);
  return most >= MIN_LIKENESS ? other : undefined;
}

// Twice the length of the longest common subsequence, as a part of both lengths.
function alike(a, b) {
  let row = new Array(b.length + 1).fill(0);
  for (const letter of a) {
    const next = [0];
    for (let place = 0; place < b.length; place += 1) {
      next.push(letter === b[place] ? row[place] + 1 : Math.max(row[place + 1], next[place]));
    }
    row = next;
  }
  return (2 * row[b.length]) / (a.length + b.length);
}
