/**
 * Gives back what a burst of work has left behind: one full collection, which holds up everything for some milliseconds (about one for each
 * megabyte in use). For moments such as the end of a list, when most of the heap is rubbish that would otherwise stay resident.
 */
export function collectGarbage(): void {
  Bun.gc(true);
  Bun.shrink();
}
