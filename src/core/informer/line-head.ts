/** The identity of an object, as the API server writes it at the very beginning of each line or item. */
export interface LineHead {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly version: string;
}

/** As many bytes hold it: a name, a generateName and a namespace at their longest. */
export const LINE_HEAD_BYTES = 1024;

const HEAD =
  /^(?:\{"type":"(?:ADDED|MODIFIED)","object":)?\{(?:"kind":"\w*","apiVersion":"[\w./]*",)?"metadata":\{"name":"([^"\\]+)",(?:"generateName":"[^"\\]*",)?(?:"namespace":"([^"\\]+)",)?"uid":"([^"\\]+)","resourceVersion":"(\d+)"/;

/**
 * Reads the identity out of the beginning of a watch line that adds or changes an object, or of an item of a list, without parsing the rest.
 * It knows the one order in which the API server writes its own kinds, and nothing else: anything written otherwise (custom resources,
 * other servers) gives `undefined`, and has to be parsed.
 */
export function readLineHead(start: string): LineHead | undefined {
  const found = HEAD.exec(start);
  const [, name, namespace = '', uid, version] = found ?? [];
  return name === undefined || uid === undefined || version === undefined ? undefined : { namespace, name, uid, version };
}
