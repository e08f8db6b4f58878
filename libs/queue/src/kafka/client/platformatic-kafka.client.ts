import type { QueueSettings } from '../../queue.settings.js'
import {
  KafkaClient,
  type ClusterAdmin,
  type GroupMembership,
  type MembershipListener,
  type RecordProducer,
  type RecordReader,
} from '../kafka-client.port.js'
import { PlatformaticClusterAdmin } from './platformatic-cluster.admin.js'
import { PlatformaticGroupMembership } from './platformatic-group.membership.js'
import { PlatformaticRecordProducer } from './platformatic-record.producer.js'
import { PlatformaticRecordReader } from './platformatic-record.reader.js'

export class PlatformaticKafkaClient extends KafkaClient {
  constructor(private readonly settings: QueueSettings) {
    super()
  }

  createReader(): RecordReader {
    return new PlatformaticRecordReader(this.settings)
  }

  createMembership(topics: readonly string[], listener: MembershipListener): GroupMembership {
    return new PlatformaticGroupMembership(this.settings, topics, listener)
  }

  createProducer(): RecordProducer {
    return new PlatformaticRecordProducer(this.settings)
  }

  createAdmin(): ClusterAdmin {
    return new PlatformaticClusterAdmin(this.settings)
  }
}
