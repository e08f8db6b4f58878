import { randomUUID } from 'node:crypto'
import type { QueueSettings } from '../../queue.settings.js'
import {
  KafkaClient,
  type ClusterAdmin,
  type GroupMembership,
  type MembershipListener,
  type RecordProducer,
  type RecordReader,
} from '../kafka-client.port.js'
import { ClassicProtocolMembership, type MemberMemory } from './classic-protocol.membership.js'
import { listenToConnectionErrors } from './connection-errors.js'
import { ConsumerProtocolMembership } from './consumer-protocol.membership.js'
import { PlatformaticClusterAdmin } from './platformatic-cluster.admin.js'
import { PlatformaticRecordProducer } from './platformatic-record.producer.js'
import { PlatformaticRecordReader } from './platformatic-record.reader.js'

export class PlatformaticKafkaClient extends KafkaClient {
  /** Of this process: what a session that could not say goodbye held goes to the next one at once. */
  private readonly memberId = randomUUID()
  private readonly memory: MemberMemory = { memberId: null }

  constructor(private readonly settings: QueueSettings) {
    super()
    listenToConnectionErrors()
  }

  createReader(): RecordReader {
    return new PlatformaticRecordReader(this.settings)
  }

  createMembership(topics: readonly string[], listener: MembershipListener): GroupMembership {
    return this.settings.groupProtocol === 'consumer'
      ? new ConsumerProtocolMembership(this.settings, topics, listener, this.memberId)
      : new ClassicProtocolMembership(this.settings, topics, listener, this.memory)
  }

  createProducer(): RecordProducer {
    return new PlatformaticRecordProducer(this.settings)
  }

  createAdmin(): ClusterAdmin {
    return new PlatformaticClusterAdmin(this.settings)
  }
}
