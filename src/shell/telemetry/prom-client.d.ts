/** The parts of prom-client 15 that metrics.ts uses. Its index costs 9 MB more, for parts nobody here needs. */
interface PromRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
}

interface PromConfig {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly registers: readonly PromRegistry[];
  /** Called before each scrape. */
  readonly collect?: () => void;
  readonly buckets?: readonly number[];
}

type PromLabels = Readonly<Record<string, string>>;

declare module 'prom-client/lib/registry' {
  const Registry: new () => PromRegistry;
  export = Registry;
}

declare module 'prom-client/lib/counter' {
  class Counter {
    constructor(config: PromConfig);
    inc(labels: PromLabels, value: number): void;
    reset(): void;
  }
  export = Counter;
}

declare module 'prom-client/lib/gauge' {
  class Gauge {
    constructor(config: PromConfig);
    set(labels: PromLabels, value: number): void;
    reset(): void;
  }
  export = Gauge;
}

declare module 'prom-client/lib/histogram' {
  class Histogram {
    constructor(config: PromConfig);
    observe(labels: PromLabels, value: number): void;
  }
  export = Histogram;
}
