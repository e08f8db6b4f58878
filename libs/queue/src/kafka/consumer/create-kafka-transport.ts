import type { Clock, IntakeGate } from '#libs/kernel'
import { filter, firstValueFrom, fromEvent, merge, timer } from 'rxjs'
import type { QueueSettings } from '../../queue.settings.js'
import type { KafkaClient } from '../kafka-client.port.js'
import { RetentionCheck } from '../topics/retention.check.js'
import { TopicProvisioner } from '../topics/topic.provisioner.js'
import { IntakeSession } from './intake-session.js'
import { KafkaIntake } from './kafka-intake.js'
import type { KafkaStatus } from './kafka-status.js'
import { KafkaTransport } from './kafka.transport.js'
import type { QueueEvents } from './queue.events.js'
import { StartPositions } from './start-positions.js'

/** How long the start of the application waits for Kafka: then it goes on, not ready, and the intake keeps trying. */
const START_PATIENCE_MS = 5_000

export interface KafkaTransportParts {
  readonly settings: QueueSettings
  readonly client: KafkaClient
  readonly gate: IntakeGate
  readonly status: KafkaStatus
  readonly events: QueueEvents
  readonly clock: Clock
  readonly random: () => number
}

/** Puts the intake together. */
export function createKafkaTransport(parts: KafkaTransportParts): KafkaTransport {
  const { settings, client, status, events } = parts
  const starts = new StartPositions(settings, events)
  const { tasks, results, deadLetters } = settings.topics
  const provisioner = new TopicProvisioner({ client, topics: [...tasks, results, deadLetters], create: settings.createTopics, events })
  const retention = new RetentionCheck({ client, topics: tasks, taskIdDays: settings.taskIdDays, events })
  return new KafkaTransport({
    events,
    createIntake: (dispatch, onRefused) =>
      new KafkaIntake({
        ...parts,
        onRefused,
        stallTimeoutMs: settings.stallTimeoutMs,
        retry: settings.retry,
        prepare: async () => {
          await provisioner.ensure()
          await retention.ensure()
        },
        createSession: () => new IntakeSession({ ...parts, starts, dispatch }),
      }),
    whenStarted: (signal) => whenStarted(status, signal),
  })
}

async function whenStarted(status: KafkaStatus, signal: AbortSignal): Promise<void> {
  const ready = status.changes.pipe(filter(({ state }) => state === 'ready'))
  await firstValueFrom(merge(ready, timer(START_PATIENCE_MS), fromEvent(signal, 'abort')))
}
