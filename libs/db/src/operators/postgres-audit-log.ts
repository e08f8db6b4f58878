import { AuditLog, type AuditEntry } from '#libs/kernel'
import type { HotPool, Statement } from '../connection/hot-pool.js'

const RECORD: Statement = {
  name: 'audit',
  text: 'INSERT INTO audit_record (actor, reason, action, target, before, after) VALUES ($1, $2, $3, $4, $5, $6)',
}

export class PostgresAuditLog extends AuditLog {
  constructor(private readonly pool: HotPool) {
    super()
  }

  async record({ actor, reason, action, target, before, after }: AuditEntry): Promise<void> {
    await this.pool.run(RECORD, [actor, reason, action, toJson(target), toJson(before), toJson(after)])
  }
}

function toJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}
