import type { Change } from './task-operations.port.js'

export interface AuditEntry extends Change {
  /** As in `log_level.set`. */
  readonly action: string
  /** What was changed or read. */
  readonly target: Readonly<Record<string, unknown>>
  readonly before?: unknown
  readonly after?: unknown
}

/** What people did, for whoever comes later. */
export abstract class AuditLog {
  /** Resolves when it is committed. Rejects with TaskError `ledger_unavailable`. */
  abstract record(entry: AuditEntry): Promise<void>
}
