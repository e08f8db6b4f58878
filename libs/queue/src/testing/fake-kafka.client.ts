import {
  KafkaClient,
  type ClusterAdmin,
  type GroupMembership,
  type MembershipListener,
  type RecordProducer,
  type RecordReader,
} from '../kafka/kafka-client.port.js'
import { FakeClusterAdmin } from './fake-cluster.admin.js'
import { FakeGroupMembership } from './fake-group.membership.js'
import { FakeRecordProducer } from './fake-record.producer.js'
import { FakeRecordReader } from './fake-record.reader.js'

/** A client whose parts the test reaches: one admin and one producer for all, a reader and a membership for each session. */
export class FakeKafkaClient extends KafkaClient {
  readonly admin: FakeClusterAdmin
  readonly producer = new FakeRecordProducer()
  readonly readers: FakeRecordReader[] = []
  readonly memberships: FakeGroupMembership[] = []
  /** Prepares each new membership. */
  onMembership: (membership: FakeGroupMembership) => void = () => undefined

  constructor(topics: FakeClusterAdmin['topics']) {
    super()
    this.admin = new FakeClusterAdmin(topics)
  }

  createReader(): RecordReader {
    const reader = new FakeRecordReader()
    this.readers.push(reader)
    return reader
  }

  createMembership(_topics: readonly string[], listener: MembershipListener): GroupMembership {
    const membership = new FakeGroupMembership(listener)
    this.onMembership(membership)
    this.memberships.push(membership)
    return membership
  }

  createProducer(): RecordProducer {
    return this.producer
  }

  createAdmin(): ClusterAdmin {
    return this.admin
  }
}
