import type { QueueSettings } from '../../queue.settings.js'
import {
  KafkaClient,
  type ClusterAdmin,
  type GroupMembership,
  type MembershipListener,
  type RecordProducer,
  type RecordReader,
} from '../kafka-client.port.js'
import { ClassicProtocolMembership } from './classic-protocol.membership.js'
import { ConsumerProtocolMembership } from './consumer-protocol.membership.js'
import { PlatformaticClusterAdmin } from './platformatic-cluster.admin.js'
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
    const Membership = this.settings.groupProtocol === 'consumer' ? ConsumerProtocolMembership : ClassicProtocolMembership
    return new Membership(this.settings, topics, listener)
  }

  createProducer(): RecordProducer {
    return new PlatformaticRecordProducer(this.settings)
  }

  createAdmin(): ClusterAdmin {
    return new PlatformaticClusterAdmin(this.settings)
  }
}
