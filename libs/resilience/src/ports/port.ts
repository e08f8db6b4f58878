import type { ErrorCode } from '#libs/contracts'

interface PortKind {
  /** Of the TaskError that a call fails with while the port is away. */
  readonly code: ErrorCode
  /** For people. */
  readonly says: string
}

/** What stands behind the ports: a closed list, the label of their metrics. */
export const PORTS = {
  postgres: { code: 'ledger_unavailable', says: 'PostgreSQL' },
  kafka: { code: 'queue_unavailable', says: 'Kafka' },
  s3: { code: 'storage_unavailable', says: 'object storage' },
} as const satisfies Readonly<Record<string, PortKind>>

export type PortName = keyof typeof PORTS
