import { join } from 'node:path'
import { PROJECT_FOLDER, type RigServers, type ServiceRig } from '#tools/rig'
import { startStack, takeFreePort, type LocalServer, type Stack } from '#tools/stack'
import { startToxiproxy, type ToxiproxyServer } from '#tools/toxiproxy'
import { CRASH_SIMULATOR } from '../../crash/crash.run.js'
import { LinkProxy } from './link.proxy.js'

type Links = Readonly<Record<'kafka' | 'postgres' | 's3' | 'llm', LinkProxy>>

export interface StageOptions {
  /** A broker that is back soon after a kill. */
  readonly quickStart?: boolean
  readonly onProgress?: NonNullable<Parameters<typeof startStack>[0]['onProgress']>
}

/**
 * Real servers of a fault run's own, with a proxy before each. Workers go through the proxies; the run itself goes past them, so that it
 * sees what happens while they are cut off. One schedule at a time; `reset` between two. Whoever starts it closes it.
 */
export class FaultStage {
  private constructor(
    private readonly stack: Stack,
    private readonly toxiproxy: ToxiproxyServer,
    readonly links: Links,
  ) {}

  static async start({ quickStart = true, onProgress }: StageOptions = {}): Promise<FaultStage> {
    const [kafkaPort, advertisedPort] = [await takeFreePort(), await takeFreePort()]
    const progress = onProgress && { onProgress }
    const stack = await startStack({
      name: 'faults',
      kafka: { quickStart, proxied: { port: kafkaPort, advertisedPort } },
      simulator: { settings: CRASH_SIMULATOR },
      // Servers that somebody else runs cannot be killed.
      env: withoutReplacements(process.env),
      ...progress,
    })
    try {
      const toxiproxy = await startToxiproxy({ logFile: join(stack.logFolder, 'toxiproxy.log'), ...progress })
      const portOf = (part: 'postgres' | 'minio' | 'simulator') => stack.server(part).ports[part]
      const [kafka, postgres, s3, llm] = await Promise.all([
        LinkProxy.open(toxiproxy, 'kafka', kafkaPort, advertisedPort),
        LinkProxy.open(toxiproxy, 'postgres', portOf('postgres')),
        LinkProxy.open(toxiproxy, 's3', portOf('minio')),
        LinkProxy.open(toxiproxy, 'llm', portOf('simulator')),
      ])
      return new FaultStage(stack, toxiproxy, { kafka, postgres, s3, llm })
    } catch (error) {
      await stack.stop()
      throw error
    }
  }

  /** Past the proxies. */
  get servers(): RigServers {
    const { databaseUrl, kafkaBrokers, s3, gigachat } = this.stack
    return { databaseUrl, kafkaBrokers, s3, gigachat }
  }

  get logFolder(): string {
    return join(PROJECT_FOLDER, '.stack/logs')
  }

  server(name: 'kafka' | 'postgres' | 's3'): LocalServer {
    return this.stack.server(name === 's3' ? 'minio' : name)
  }

  /** What makes a rig's worker go through the proxies. */
  proxiedEnv(rig: ServiceRig): Record<string, string> {
    const { kafka, postgres, s3, llm } = this.links
    const { s3: bucket, gigachat } = this.servers
    return {
      KAFKA_BROKERS: `127.0.0.1:${kafka.port}`,
      DATABASE_URL: postgres.through(rig.databaseUrl),
      S3_ENDPOINT: s3.through(bucket.endpoint),
      GIGACHAT_BASE_URL: llm.through(gigachat.baseUrl),
      GIGACHAT_AUTH_URL: llm.through(gigachat.authUrl),
    }
  }

  /** Heals every proxy and starts every server that is down. */
  async reset(): Promise<void> {
    await this.toxiproxy.reset()
    await Promise.all((['kafka', 'postgres', 's3'] as const).map((name) => this.server(name).start()))
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.links).map((link) => link.close()))
    await this.toxiproxy.stop()
    await this.stack.stop()
  }
}

const REPLACEMENTS = /^(DATABASE_URL|KAFKA_BROKERS|S3_|GIGACHAT_)/

function withoutReplacements(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !REPLACEMENTS.test(name)))
}
