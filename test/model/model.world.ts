import { FakeClock } from '../fakes/fake.clock.js'
import type { ReplicaName } from './ledger.step.js'
import { LedgerWorld, type WorldReplica, type WorldState } from './ledger.world.js'
import { ModelLedger } from './model-ledger.js'
import { reapLeases, releaseLease, renewLease, takeLease, type ModelFreed } from './model.leases.js'
import { ModelTables, type ModelMessage, type QueuedTask } from './model.tables.js'

const HOUR_MS = 3_600_000

interface Member extends WorldReplica {
  readonly lease: { fence: number }
}

/** The model as a world. Its clock moves a millisecond with each step. */
export class ModelWorld extends LedgerWorld {
  readonly tables = new ModelTables()
  private readonly clock = new FakeClock()
  private readonly members: Record<ReplicaName, Member> = { A: this.makeMember(), B: this.makeMember() }

  replica(name: ReplicaName): WorldReplica {
    return this.members[name]
  }

  tick(): void {
    this.clock.advance(1)
  }

  async expire(name: ReplicaName): Promise<void> {
    renewLease(this.tables, this.members[name].lease.fence, this.clock.nowMs() - 1)
  }

  async renew(name: ReplicaName): Promise<boolean> {
    const { lease } = this.members[name]
    if (renewLease(this.tables, lease.fence, this.clock.nowMs() + HOUR_MS)) return true
    lease.fence = this.takeLease()
    return false
  }

  async reap(name: ReplicaName): Promise<ModelFreed> {
    return this.settle(reapLeases(this.tables, this.members[name].lease.fence, { nowMs: this.clock.nowMs() }))
  }

  async stop(name: ReplicaName): Promise<ModelFreed> {
    const freed = releaseLease(this.tables, this.members[name].lease.fence, { nowMs: this.clock.nowMs() })
    this.members[name] = this.makeMember()
    return this.settle(freed)
  }

  async kill(name: ReplicaName): Promise<void> {
    this.members[name] = this.makeMember()
  }

  async makeDue(): Promise<void> {
    const nowMs = this.clock.nowMs()
    this.pending().forEach((row) => (row.runAtMs = Math.min(row.runAtMs, nowMs)))
  }

  async ageMessages(): Promise<void> {
    this.tables.outbox.forEach((message) => (message.createdAtMs -= 2 * HOUR_MS))
  }

  async read(): Promise<WorldState> {
    const { tables } = this
    const name = (id: number) => [...tables.identities.values()].find((identity) => identity.id === id)!.task.taskId
    return {
      queue: [...tables.queue.values()].map((row) => this.describe(row)),
      attempts: tables.attempts.map((row) => [name(row.taskNumber), row.number, row.state, row.counted, row.errorCode]),
      answers: tables.answers.map((row) => [name(row.taskNumber), row.attemptNumber, row.answer.body.toString()]),
      records: [...tables.records.values()].map(({ end, event, keySequence, leaseId }) => {
        return [end.task.taskId, end.outcome, end.attempts, end.error?.code ?? null, keySequence ?? null, leaseId, event.toString()]
      }),
      outbox: tables.outbox.map((message) => [message.channel, nameMessage(message)]),
      leases: tables.leases.map(({ state }) => state),
    }
  }

  private describe({ task, runAtMs, ...row }: QueuedTask): unknown[] {
    const counts = [row.claims, row.sends, row.attempts, row.maybePaid, row.crashes, row.deferrals]
    const flags = [row.suspectSinceMs !== null, row.deaths, row.isHead, row.prepare, row.freeAttemptUsed, runAtMs <= this.clock.nowMs()]
    return [task.taskId, row.state, row.reason, row.leaseId, row.promptVersion, row.deferralClass, ...counts, ...flags]
  }

  private settle(freed: ModelFreed): ModelFreed {
    const nowMs = this.clock.nowMs()
    this.pending().forEach((row) => (row.runAtMs = row.reason === 'lease_lost' ? nowMs : row.runAtMs))
    return freed
  }

  private pending(): QueuedTask[] {
    return [...this.tables.queue.values()].filter(({ state }) => state === 'pending')
  }

  private makeMember(): Member {
    const lease = { fence: this.takeLease() }
    const ledger = new ModelLedger(this.tables, lease, this.clock)
    return { ledger, lease, lose: () => (ledger.loseAnswer = true) }
  }

  private takeLease(): number {
    return takeLease(this.tables, this.clock.nowMs() + HOUR_MS)
  }
}

function nameMessage({ of }: ModelMessage): string {
  return 'deadLetter' in of ? `offset ${of.source.offset}` : of.end.task.taskId
}
