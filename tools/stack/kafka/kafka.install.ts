import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureBuilt } from '../cache/cached.build.js'
import type { InstallProgress } from '../progress/progress.js'
import type { Environment } from '../stack.settings.js'
import { runCommand } from '../supervision/run-command.js'
import { makeBuildEnvironment, makeServerEnvironment } from '../supervision/server-environment.js'
import { makeKafkaPom } from './kafka.pom.js'
import { makeKafkaProperties } from './kafka.properties.js'
import { KAFKA_VERSION } from './kafka.versions.js'

/** Clusters on one machine may share it: brokers of two stacks never meet. */
const CLUSTER_ID = 'c2x1aWNlLWxvY2FsLWthZg'

export interface KafkaInstallation {
  readonly javaCommand: string
  readonly classPath: string
  /** What StorageTool makes of an empty folder; the same for every port, so it is made once. */
  readonly formattedLog: string
  readonly log4jFile: string
}

export interface KafkaInstallOptions {
  readonly cacheFolder: string
  readonly java: string
  /** Not looked for where the jars have been fetched before. */
  readonly maven: string | undefined
  readonly env: Environment
  readonly progress: InstallProgress
  readonly signal: AbortSignal
}

export function kafkaFolder(cacheFolder: string): string {
  return join(cacheFolder, `kafka-${KAFKA_VERSION}`)
}

export async function installKafka(options: KafkaInstallOptions): Promise<KafkaInstallation> {
  const folder = kafkaFolder(options.cacheFolder)
  const build = async (draft: string) => {
    await options.progress.step('fetching jars with Maven', () => fetchJars(draft, options), { hint: '54 MB' })
    await options.progress.step('formatting an empty log', () => formatLog(draft, options))
  }
  await ensureBuilt({ folder, build, reportWait: options.progress.reportWait, signal: options.signal })
  return {
    javaCommand: options.java,
    classPath: await makeClassPath(folder),
    formattedLog: join(folder, 'formatted', 'log'),
    log4jFile: join(folder, 'log4j2.properties'),
  }
}

async function fetchJars(folder: string, { maven, env, signal }: KafkaInstallOptions): Promise<void> {
  await Promise.all([writeFile(join(folder, 'pom.xml'), makeKafkaPom()), writeFile(join(folder, 'log4j2.properties'), LOG4J_PROPERTIES)])
  // Strict checksums: a jar that is not what the repository says must fail here, not in the broker.
  const args = ['-B', '-q', '-C', 'dependency:copy-dependencies', '-DoutputDirectory=jars']
  await runCommand(maven ?? 'mvn', args, {
    environment: makeBuildEnvironment(env),
    workingDirectory: folder,
    signal,
    logFile: join(folder, 'maven.log'),
  })
}

async function formatLog(folder: string, { java, env, signal }: KafkaInstallOptions): Promise<void> {
  const formatted = join(folder, 'formatted')
  await mkdir(formatted)
  const properties = join(formatted, 'server.properties')
  await writeFile(properties, makeKafkaProperties({ dataFolder: formatted, port: 9092, controllerPort: 9093 }))
  const args = ['-cp', await makeClassPath(folder), 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties]
  await runCommand(java, args, {
    environment: makeServerEnvironment(env),
    workingDirectory: folder,
    signal,
    logFile: join(folder, 'format.log'),
  })
}

/** Sorted, because Java's archive of loaded classes is only good for exactly the same path. */
async function makeClassPath(folder: string): Promise<string> {
  const jars = (await readdir(join(folder, 'jars'))).filter((name) => name.endsWith('.jar')).toSorted()
  return jars.map((name) => join(folder, 'jars', name)).join(':')
}

const LOG4J_PROPERTIES = `rootLogger.level=INFO
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c)%n
`
