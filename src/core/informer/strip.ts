const FIELD = [...'"managedFields":['].map((letter) => letter.charCodeAt(0));
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/**
 * Cuts `metadata.managedFields` out of the JSON of one object before it is parsed: it is often more than half of the text, and nobody
 * here reads it (meta/v1 ObjectMeta). The bytes are moved within `json`; returns how many are left. Only the first is looked for, and text
 * that is not what the API server writes is left as it is: parsing will judge it.
 */
export function stripManagedFields(json: Uint8Array): number {
  const start = find(json);
  if (start < 0) return json.length;
  const end = endOfArray(json, start + FIELD.length - 1);
  if (end < 0) return json.length;
  // With the comma behind it, or else the one before it.
  const behind = json[end] === 0x2c;
  const from = !behind && json[start - 1] === 0x2c ? start - 1 : start;
  const to = behind ? end + 1 : end;
  json.copyWithin(from, to);
  return json.length - (to - from);
}

/** Where the field begins as a key: a value that contains these letters has its quotes escaped. */
function find(json: Uint8Array): number {
  for (let at = json.indexOf(QUOTE); at >= 0; at = json.indexOf(QUOTE, at + 1)) {
    let same = 1;
    while (same < FIELD.length && json[at + same] === FIELD[same]) same++;
    if (same === FIELD.length && json[at - 1] !== BACKSLASH) return at;
  }
  return -1;
}

/** The offset behind the bracket that closes the one at `open`; -1 when it never does. */
function endOfArray(json: Uint8Array, open: number): number {
  let depth = 0;
  for (let at = open; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfString(json, at);
    else if (byte === OPEN) depth++;
    else if (byte === CLOSE && --depth === 0) return at + 1;
  }
  return -1;
}

function endOfString(json: Uint8Array, quote: number): number {
  let at = quote + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at;
}
