/**
 * Whether resourceVersion `a` is newer than `b`. They are compared as whole numbers, which the API guarantees since 1.35 and every
 * server has done before (KEP-5504); where one is not a number the answer is no.
 */
export function isNewer(a: string, b: string): boolean {
  if (!/^\d+$/.test(a) || (b !== '' && !/^\d+$/.test(b))) return false;
  return a.length === b.length ? a > b : a.length > b.length;
}
