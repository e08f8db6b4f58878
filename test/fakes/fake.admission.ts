import { Admission, type AttemptUsage, type ClaimedTask, type ClaimRoom, type Lane, type StreamUse } from '#libs/kernel'

const LANE: Lane = { provider: 'gigachat', model: 'GigaChat-2', tenant: 'default' }

/** Counts streams of one lane, and fails a test that releases more than are in use. Waiters are served when `release` makes room. */
export class FakeAdmission extends Admission {
  inUse = 0
  /** All releases so far, in streams. */
  released = 0
  readonly uses: StreamUse[] = []
  readonly booked: AttemptUsage[] = []
  /** May there be due tasks? */
  isDue = true
  isClaiming = true
  private readonly waiters: (() => void)[] = []
  private readonly listeners = new Set<() => void>()

  constructor(readonly limit = 10) {
    super()
  }

  get listenerCount(): number {
    return this.listeners.size
  }

  take(wanted: number): number {
    const taken = Math.max(0, Math.min(wanted, this.limit - this.inUse))
    this.inUse += taken
    return taken
  }

  noteClaiming(isClaiming: boolean): void {
    this.isClaiming = isClaiming
  }

  takeRoom(wanted: number): ClaimRoom {
    const room = this.makeRoom('due', this.isDue ? wanted : 0)
    if (room.tasks > 0) this.isDue = false
    return room
  }

  takeRoomFor(lanes: readonly Lane[]): ClaimRoom {
    return this.makeRoom('accepted', this.isDue ? 0 : lanes.length)
  }

  settleRoom({ kind, tasks }: ClaimRoom, claimed?: readonly ClaimedTask[]): void {
    if (kind === 'due' && (claimed === undefined || claimed.length === tasks)) this.isDue = true
    this.giveBack(tasks - (claimed?.filter(({ attempt }) => attempt !== null).length ?? 0))
  }

  acquire(_lane: Lane, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    if (this.take(1) === 1) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.waiters.push(resolve)
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
  }

  release(_lane: Lane, use: StreamUse): void {
    this.released++
    this.uses.push(use)
    this.giveBack(1)
  }

  makeMetering(): undefined {}

  book(_task: ClaimedTask, usage: AttemptUsage): void {
    this.booked.push(usage)
  }

  costOf(): undefined {}

  onRoom(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Tasks have become due. */
  notice(): void {
    this.isDue = true
    this.announce()
  }

  private makeRoom(kind: ClaimRoom['kind'], wanted: number): ClaimRoom {
    const tasks = this.take(wanted)
    return { kind, tasks, lanes: tasks > 0 ? [{ ...LANE, tasks, isProbe: false }] : [] }
  }

  private giveBack(count: number): void {
    if (count > this.inUse) throw new Error(`${count} streams were released, but only ${this.inUse} are in use`)
    const served = this.waiters.splice(0, count)
    this.inUse -= count - served.length
    for (const give of served) give()
    this.announce()
  }

  private announce(): void {
    for (const listener of this.listeners) listener()
  }
}
