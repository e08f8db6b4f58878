import type { RecordPosition } from '#libs/kernel'
import { GroupMembership, type MembershipListener } from '../kafka/kafka-client.port.js'

/** A member of a group that does what the test says. */
export class FakeGroupMembership extends GroupMembership {
  readonly commits: RecordPosition[][] = []
  commitError: Error | undefined
  joinError: Error | undefined
  joins = 0
  leaves = 0

  constructor(readonly listener: MembershipListener) {
    super()
  }

  /** The last committed offset of each partition, as `topic:partition` -> number. */
  get committed(): Record<string, number> {
    return Object.fromEntries(this.commits.flat().map(({ topic, partition, offset }) => [`${topic}:${partition}`, Number(offset)]))
  }

  join(): Promise<void> {
    this.joins++
    return this.joinError ? Promise.reject(this.joinError) : Promise.resolve()
  }

  commit(offsets: readonly RecordPosition[]): Promise<void> {
    if (this.commitError) return Promise.reject(this.commitError)
    this.commits.push([...offsets])
    return Promise.resolve()
  }

  leave(): Promise<void> {
    this.leaves++
    return Promise.resolve()
  }
}
