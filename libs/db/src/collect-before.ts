import type { Gauge } from 'prom-client'

/** prom-client calls `collect` of a metric when it is scraped; it is given at construction, which is Nest's here. */
export function collectBefore<T extends string>(gauge: Gauge<T>, read: () => void): void {
  Object.assign(gauge, { collect: read })
}
