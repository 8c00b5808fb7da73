/** Lets everything that is waiting (packets first of all) have its turn before going on. */
export function yieldTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
