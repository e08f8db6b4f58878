import { Clock, IntakeGate, ResultPublisher } from '#libs/kernel'
import { CertificateMeter } from '#libs/metrics'
import { PortPolicies } from '#libs/resilience'
import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common'
import { PlatformaticKafkaClient } from './kafka/client/platformatic-kafka.client.js'
import { createKafkaTransport } from './kafka/consumer/create-kafka-transport.js'
import { IntakeRetries } from './kafka/consumer/intake.retries.js'
import { KafkaStatus } from './kafka/consumer/kafka-status.js'
import { KafkaTransport } from './kafka/consumer/kafka.transport.js'
import { QueueEvents } from './kafka/consumer/queue.events.js'
import { IntakeMeter } from './kafka/intake.meter.js'
import { KafkaIntakeStatus } from './kafka/kafka-intake.status.js'
import { KafkaHealth } from './kafka/kafka.health.js'
import { KafkaLog } from './kafka/kafka.log.js'
import { KafkaMeter } from './kafka/kafka.meter.js'
import { kafkaMetrics } from './kafka/kafka.metrics.js'
import { KafkaClient } from './kafka/kafka-client.port.js'
import { KafkaResultPublisher } from './kafka/publisher/kafka-result.publisher.js'
import { queueSettings, type QueueSettings } from './queue.settings.js'

/** Needs ConfigModule with queueSettings, HealthModule, and an IntakeGate, a Clock and PortPolicies from global modules. */
@Module({
  providers: [
    QueueEvents,
    KafkaStatus,
    KafkaHealth,
    KafkaLog,
    ...kafkaMetrics,
    KafkaMeter,
    IntakeMeter,
    KafkaIntakeStatus,
    IntakeRetries,
    { provide: KafkaClient, inject: [queueSettings.KEY], useFactory: (settings: QueueSettings) => new PlatformaticKafkaClient(settings) },
    {
      provide: KafkaTransport,
      inject: [queueSettings.KEY, KafkaClient, IntakeGate, KafkaStatus, QueueEvents, Clock],
      useFactory: (
        settings: QueueSettings,
        client: KafkaClient,
        gate: IntakeGate,
        status: KafkaStatus,
        events: QueueEvents,
        clock: Clock,
      ) => createKafkaTransport({ settings, client, gate, status, events, clock, random: Math.random }),
    },
    {
      provide: ResultPublisher,
      inject: [queueSettings.KEY, KafkaClient, QueueEvents, PortPolicies],
      useFactory: (settings: QueueSettings, client: KafkaClient, events: QueueEvents, policies: PortPolicies) =>
        new KafkaResultPublisher({ client, settings, events, policies }),
    },
  ],
  exports: [KafkaTransport, ResultPublisher, KafkaStatus, QueueEvents],
})
export class QueueModule implements OnApplicationShutdown {
  constructor(
    @Inject(KafkaTransport) private readonly transport: KafkaTransport,
    @Inject(ResultPublisher) private readonly publisher: KafkaResultPublisher,
    @Inject(queueSettings.KEY) { tls }: QueueSettings,
    certificates: CertificateMeter,
  ) {
    certificates.show('kafka client', tls?.cert)
    certificates.show('kafka roots', tls?.ca)
  }

  /** After Nest has closed the transports; closing again does nothing. Results are published until the very end. */
  async onApplicationShutdown(): Promise<void> {
    await this.transport.close()
    await this.publisher.close()
  }
}
