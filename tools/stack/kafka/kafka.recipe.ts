import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerRecipe, ServerRun } from '../server/server.recipe.js'
import type { Environment } from '../stack.settings.js'
import { makeServerEnvironment } from '../supervision/server-environment.js'
import { countBrokers } from './broker.probe.js'
import type { KafkaInstallation } from './kafka.install.js'
import { makeKafkaProperties, type ProxiedListener, type SecuredListeners } from './kafka.properties.js'

export interface KafkaRecipeOptions {
  readonly installation: KafkaInstallation
  readonly env: Environment
  readonly javaFlags: readonly string[]
  readonly brokerSessionMs?: number | undefined
  readonly proxied?: ProxiedListener | undefined
  readonly secured?: SecuredListeners | undefined
}

export function makeKafkaRecipe({ installation, env, javaFlags, brokerSessionMs = 9_000, ...listeners }: KafkaRecipeOptions): ServerRecipe {
  return {
    part: 'kafka',
    title: 'Kafka',
    portNames: ['kafka', 'kafkaController'],
    readyLimitMs: 90_000,
    gracefulSignal: 'SIGTERM',
    abandonSignal: 'SIGKILL',
    stopLimitMs: 30_000,
    portTaken: /Address already in use/,
    initialise: (dataFolder) => cp(installation.formattedLog, join(dataFolder, 'log'), { recursive: true }),
    launch: async ({ dataFolder, ports }) => {
      const properties = join(dataFolder, 'server.properties')
      const { kafka: port, kafkaController: controllerPort } = ports
      await writeFile(properties, makeKafkaProperties({ dataFolder, port, controllerPort, brokerSessionMs, ...listeners }))
      return {
        command: installation.javaCommand,
        args: [
          ...javaFlags,
          `-Dlog4j2.configurationFile=${installation.log4jFile}`,
          '-cp',
          installation.classPath,
          'kafka.Kafka',
          properties,
        ],
        environment: makeServerEnvironment(env),
      }
    },
    isReady: isKafkaReady,
  }
}

/** A broker answers a while before the controller lets it have partitions, and a topic made in between fails. */
async function isKafkaReady({ log, ports }: ServerRun): Promise<boolean> {
  if (!(await log.sinceMark()).includes('Kafka Server started')) return false
  return (await countBrokers([`127.0.0.1:${ports.kafka}`])) === 1
}
