import type { Counter, Gauge } from 'prom-client'

/** prom-client calls `collect` of a metric when it is scraped; it is given at construction, which is Nest's here. */
export function collectBefore<T extends string>(metric: Gauge<T> | Counter<T>, read: () => void | Promise<void>): void {
  Object.assign(metric, { collect: read })
}
