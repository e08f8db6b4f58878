import { GroupCommit, type AdmissionStore, type AttemptUsage, type AttemptUse, type ClaimedTask, type Lane } from '#libs/kernel'
import type { AdmissionEvents } from '../admission.events.js'
import type { Limits } from '../limits/limits.js'
import { ClaimMetering } from './claim.metering.js'
import { makeMeteredLane } from './metered-lane.js'
import { TokenRatio } from './token.ratio.js'
import { UsageBooking } from './usage.booking.js'

/** Attempts in one statement. */
const MAX_BATCH = 256

export interface UsageBooksOptions {
  readonly limits: Limits
  readonly store: AdmissionStore
  readonly events: AdmissionEvents
  readonly nowMs: () => number
  /** What was reserved for calls of these lanes has come back. */
  readonly onBooked: (lanes: readonly Lane[]) => void
}

/**
 * Meters calls before they start and books what they have used. A booking that PostgreSQL does not take for some seconds is lost: then what was
 * reserved counts as used, which is never too little.
 */
export class UsageBooks {
  private readonly ratio = new TokenRatio()
  private readonly booking: GroupCommit<AttemptUse, undefined>

  constructor(private readonly options: UsageBooksOptions) {
    const { store, limits, onBooked } = options
    this.booking = new GroupCommit({
      maxItems: MAX_BATCH,
      commit: async (uses) => {
        await store.book(new UsageBooking(uses, (lane) => limits.metersOf(lane)))
        onBooked(uses.map(({ lane }) => lane))
        return uses.map(() => undefined)
      },
    })
  }

  isMetered(lane: Lane): boolean {
    return this.options.limits.metersOf(lane).length > 0
  }

  makeMetering(lanes: readonly Lane[]): ClaimMetering | undefined {
    return lanes.some((lane) => this.isMetered(lane))
      ? new ClaimMetering(
          lanes.map((lane) => makeMeteredLane(this.options.limits, lane, () => this.ratioOf(lane))),
          this.options.nowMs(),
        )
      : undefined
  }

  /** How much calls of the lane really use of what is estimated for them, as far as this replica has seen. */
  ratioOf(lane: Lane): number {
    return this.ratio.of(lane)
  }

  costOf(lane: Lane, usage: NonNullable<AttemptUsage['usage']>): number | undefined {
    const price = this.options.limits.priceOf(lane)
    return price && (usage.prompt_tokens * price.promptPer1k + usage.completion_tokens * price.completionPer1k) / 1_000
  }

  book(task: ClaimedTask, { attemptId, usage, wasNotSent }: AttemptUsage): void {
    if (usage === undefined || !this.isMetered(task)) return
    const { provider, model, tenant, acceptedOn, id } = task
    const money = this.costOf(task, usage) ?? null
    if (usage.total_tokens > 0) this.ratio.learn(task, { used: usage.total_tokens, estimated: task.estimatedTokens })
    const use = { lane: { provider, model, tenant }, attemptId, acceptedOn, taskId: id, tokens: usage.total_tokens, money, wasNotSent }
    this.booking.add(use).catch((error: unknown) => void this.options.events.emit('failed', error))
  }

  whenBooked(): Promise<void> {
    return this.booking.whenIdle()
  }
}
