import { Injectable, Logger } from '@nestjs/common'
import { QueueEvents } from './consumer/queue.events.js'
import type { TopicPartition } from './kafka-client.port.js'

const namesOf = (partitions: readonly TopicPartition[]) => partitions.map(({ topic, partition }) => `${topic}[${partition}]`)

const MADE_ANEW = 'the topic was deleted and made anew: it is read from its beginning, what was unread of the old one is lost'
/** With the default delays after about three seconds. */
const LASTING_ATTEMPT = 6

/** Writes down what an operator wants to know of Kafka: what changes, and what fails. Single batches and commits are for metrics. */
@Injectable()
export class KafkaLog {
  private readonly logger = new Logger(KafkaLog.name)

  constructor(events: QueueEvents) {
    const { logger } = this
    events.on('assigned', ({ partitions, added }) =>
      logger.log('partitions are assigned', { partitions: namesOf(partitions), added: added.length }),
    )
    events.on('revoked', ({ partitions, undrained }) =>
      logger.log('partitions are given up', { partitions: namesOf(partitions), undrained: namesOf(undrained) }),
    )
    events.on('reopening', ({ cause, delayMs }) => logger.warn('the session with Kafka has ended', { error: cause.message, delayMs }))
    events.on('offsetReset', ({ topic, partition, from, to, cause }) =>
      logger.error(cause === 'made_anew' ? MADE_ANEW : 'records are gone from Kafka before they were read', {
        topic,
        partition,
        from: `${from}`,
        to: `${to}`,
      }),
    )
    events.on('topicMadeAnew', ({ topic }) => logger.error(MADE_ANEW, { topic }))
    events.on('partitionFailed', ({ topic, partition, attempt, error }) => {
      // Each move of a leader is a failure or two.
      if (attempt === LASTING_ATTEMPT) logger.error('a partition cannot be read', { topic, partition, error: error.message })
    })
    events.on('brokerSilent', ({ broker }) =>
      logger.error('a broker does not answer: the partitions that it leads stand still', { broker }),
    )
    events.on('batchFailed', ({ topic, partition, firstOffset, records, attempt, retryInMs, error }) =>
      logger.warn('a batch is not stored', {
        topic,
        partition,
        firstOffset: `${firstOffset}`,
        records,
        attempt,
        retryInMs,
        error: error.message,
      }),
    )
    events.on('produceFailed', ({ records, attempt, error }) =>
      logger.debug('results are not published', { records, attempt, error: error.message }),
    )
    events.on('retentionUnknown', ({ error }) =>
      logger.warn('how long the topics keep their records is not known, so TASK_ID_RETENTION_DAYS was not checked', {
        error: error.message,
      }),
    )
    events.on('topicsCreated', ({ topics }) => logger.log('topics are made', { topics }))
  }
}
