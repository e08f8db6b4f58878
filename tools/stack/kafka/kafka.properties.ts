import { join } from 'node:path'

/** A second way in, for clients that shall reach the broker only through a proxy. Both ports are its owner's. */
export interface ProxiedListener {
  /** Where the broker listens for the proxy. */
  readonly port: number
  /** Where the proxy listens: what the broker tells clients that came this way. */
  readonly advertisedPort: number
}

interface BrokerPlace {
  readonly dataFolder: string
  readonly port: number
  readonly controllerPort: number
  /** For how long the controller believes a killed broker to be alive, and refuses its successor. Kafka's default is 9 s. */
  readonly brokerSessionMs?: number
  readonly proxied?: ProxiedListener | undefined
}

/**
 * One node that is broker and controller. Its quorum is a static one: a dynamic quorum (`format --standalone`) writes the controller's
 * port into its data, and ours may change between two starts.
 */
export function makeKafkaProperties({ dataFolder, port, controllerPort, brokerSessionMs = 9_000, proxied }: BrokerPlace): string {
  const properties: Record<string, string | number | boolean> = {
    'node.id': 1,
    'process.roles': 'broker,controller',
    listeners: [
      `PLAINTEXT://127.0.0.1:${port}`,
      ...(proxied ? [`PROXIED://127.0.0.1:${proxied.port}`] : []),
      `CONTROLLER://127.0.0.1:${controllerPort}`,
    ].join(','),
    'advertised.listeners': [`PLAINTEXT://127.0.0.1:${port}`, ...(proxied ? [`PROXIED://127.0.0.1:${proxied.advertisedPort}`] : [])].join(
      ',',
    ),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': join(dataFolder, 'log'),
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // Of internal topics: the defaults of 50 make the first group of a test wait for 50 partitions.
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    'broker.session.timeout.ms': brokerSessionMs,
    'broker.heartbeat.interval.ms': Math.round(brokerSessionMs / 5),
    // A mistyped topic is an error here as it is in production.
    'auto.create.topics.enable': false,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
  }
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`
}
