import { IntakeWindow } from '../kafka/consumer/intake-window.js'
import { PartitionLane, type LaneOptions } from '../kafka/consumer/partition-lane.js'
import { QueueEvents } from '../kafka/consumer/queue.events.js'
import { ControlledHandler } from './controlled-handler.js'
import { FakeIntakeGate } from './fake-intake-gate.js'

/** The delay before the second attempt; the third waits twice as long. */
export const RETRY_DELAY_MS = 1_000

/** A lane of batches of ten records, three at once. */
export function makeTestLane(options: Partial<LaneOptions> = {}) {
  const handler = new ControlledHandler()
  const gate = new FakeIntakeGate()
  const events = new QueueEvents()
  const window = new IntakeWindow({ maxRecords: 1_000, maxBytes: 100_000 }, () => undefined)
  const lane = new PartitionLane({
    topic: 'tasks',
    partition: 0,
    startOffset: 0n,
    topicId: 'first',
    committedOffset: null,
    window,
    gate,
    dispatch: handler.dispatch,
    retryDelayMs: (attempt) => attempt * RETRY_DELAY_MS,
    events,
    ...options,
    limits: { maxRecords: 10, maxBytes: 1_000, inFlight: 3, ...options.limits },
  })
  return { lane, handler, gate, events, window }
}
