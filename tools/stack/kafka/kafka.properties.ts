import { join } from 'node:path'

/** A second way in, for clients that shall reach the broker only through a proxy. Both ports are its owner's. */
export interface ProxiedListener {
  /** Where the broker listens for the proxy. */
  readonly port: number
  /** Where the proxy listens: what the broker tells clients that came this way. */
  readonly advertisedPort: number
}

/**
 * Ways in for clients that must show who they are. Whoever comes by the plain listener may do everything, the others what ACLs allow
 * them. Both ports are their owner's.
 */
export interface SecuredListeners {
  /** SASL with SCRAM-SHA-512, without TLS. Users are made by the admin API. */
  readonly saslPort: number
  /** TLS; its clients may do everything. */
  readonly tls: { readonly port: number; readonly certPem: string; readonly keyPem: string }
}

interface BrokerPlace {
  readonly dataFolder: string
  readonly port: number
  readonly controllerPort: number
  /** For how long the controller believes a killed broker to be alive, and refuses its successor. Kafka's default is 9 s. */
  readonly brokerSessionMs?: number
  readonly proxied?: ProxiedListener | undefined
  readonly secured?: SecuredListeners | undefined
}

/**
 * One node that is broker and controller. Its quorum is a static one: a dynamic quorum (`format --standalone`) writes the controller's
 * port into its data, and ours may change between two starts.
 */
export function makeKafkaProperties({ dataFolder, port, controllerPort, brokerSessionMs = 9_000, proxied, secured }: BrokerPlace): string {
  const properties: Record<string, string | number | boolean> = {
    'node.id': 1,
    'process.roles': 'broker,controller',
    listeners: [
      `PLAINTEXT://127.0.0.1:${port}`,
      ...(proxied ? [`PROXIED://127.0.0.1:${proxied.port}`] : []),
      ...nameSecured(secured),
      `CONTROLLER://127.0.0.1:${controllerPort}`,
    ].join(','),
    'advertised.listeners': [
      `PLAINTEXT://127.0.0.1:${port}`,
      ...(proxied ? [`PROXIED://127.0.0.1:${proxied.advertisedPort}`] : []),
      ...nameSecured(secured),
    ].join(','),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL',
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
    ...(secured && makeSecurity(secured)),
  }
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`
}

function nameSecured(secured: SecuredListeners | undefined): string[] {
  return secured ? [`SASL://127.0.0.1:${secured.saslPort}`, `TLS://127.0.0.1:${secured.tls.port}`] : []
}

function makeSecurity({ tls: { certPem, keyPem } }: SecuredListeners): Record<string, string> {
  return {
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.tls.ssl.keystore.type': 'PEM',
    'listener.name.tls.ssl.keystore.certificate.chain': onOneLine(certPem),
    'listener.name.tls.ssl.keystore.key': onOneLine(keyPem),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
  }
}

/** As a file of properties takes it. */
function onOneLine(pem: string): string {
  return pem.trim().replaceAll('\n', '\\n')
}
