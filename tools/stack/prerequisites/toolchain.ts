import { join } from 'node:path'
import { OLDEST_JAVA } from '../kafka/kafka.versions.js'
import { OLDEST_GO } from '../minio/minio.install.js'
import type { Environment } from '../stack.settings.js'
import { findExecutable, isAtLeast, isExecutable, readVersionText } from './executable.js'

/** A program that a part needs, or one line that says what to do about its absence. */
export type Found = Tool | { readonly problem: string }

export interface Tool {
  readonly command: string
  /** As the program tells it; empty where nobody asked. */
  readonly version: string
}

export async function findJava(env: Environment): Promise<Found> {
  const remedy = `install Java ${OLDEST_JAVA} or newer (or point JAVA_HOME at one), or set KAFKA_BROKERS to a running Kafka`
  const fromHome = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : undefined
  const command = fromHome && (await isExecutable(fromHome)) ? fromHome : await findExecutable('java', env)
  if (!command) return { problem: `Kafka needs Java, which is not in PATH: ${remedy}` }
  const text = await readVersionText(command, ['-version'], env)
  // Up to Java 8 the first number was a 1.
  const version = /version "(?:1\.)?([\d.]+)/.exec(text)?.[1]
  if (!version) return { problem: `Kafka needs Java, but ${command} -version does not name one: ${remedy}` }
  if (!isAtLeast(version, OLDEST_JAVA)) return { problem: `Kafka needs Java ${OLDEST_JAVA}, but ${command} is ${version}: ${remedy}` }
  return { command, version: text.trim().split('\n').slice(0, 3).join(' ') }
}

export async function findMaven(env: Environment): Promise<Found> {
  const command = await findExecutable('mvn', env)
  if (command) return { command, version: '' }
  return {
    problem: "Kafka's jars are fetched with Maven, whose mvn is not in PATH: install Maven, or set KAFKA_BROKERS to a running Kafka",
  }
}

export async function findGo(env: Environment): Promise<Found> {
  const remedy = `install Go ${OLDEST_GO} or newer, or set S3_ENDPOINT, S3_ACCESS_KEY and S3_SECRET_KEY to any running S3`
  const command = await findExecutable('go', env)
  if (!command) return { problem: `MinIO is built with Go, which is not in PATH: ${remedy}` }
  const version = /go version go([\d.]+)/.exec(await readVersionText(command, ['version'], env))?.[1]
  if (!version) return { problem: `MinIO is built with Go, but "${command} version" does not name one: ${remedy}` }
  if (!isAtLeast(version, OLDEST_GO)) return { problem: `MinIO is built with Go ${OLDEST_GO}, but ${command} is ${version}: ${remedy}` }
  return { command, version }
}
