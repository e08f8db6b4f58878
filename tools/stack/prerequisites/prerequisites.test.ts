import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kafkaFolder } from '../kafka/kafka.install.js'
import { minioFolder } from '../minio/minio.install.js'
import type { PartName } from '../stack.settings.js'
import { makeTemporaryFolder } from '../testing/temporary.folder.js'
import { checkPrerequisites, MissingPrerequisitesError } from './prerequisites.js'

/** A machine with only these programs, each of which prints its text. */
function makeMachine(programs: Record<string, string>) {
  const folder = makeTemporaryFolder()
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho '${text}' >&2\n`)
    chmodSync(join(bin, name), 0o755)
  }
  return { env: { PATH: bin }, cacheFolder: join(folder, 'cache'), projectFolder: folder }
}

async function problemsOf(machine: ReturnType<typeof makeMachine>, parts: readonly PartName[]): Promise<readonly string[]> {
  try {
    await checkPrerequisites({ ...machine, parts })
    return []
  } catch (error) {
    return (error as MissingPrerequisitesError).problems
  }
}

const JAVA_17 = 'openjdk version "17.0.15" 2025-04-15'

describe(checkPrerequisites.name, () => {
  it('tells all that is missing at once, one line each, with the variable that does without', async () => {
    const problems = await problemsOf(makeMachine({}), ['postgres', 'kafka', 'minio', 'simulator'])
    expect(problems).toEqual([
      expect.stringMatching(/^Kafka needs Java, which is not in PATH: install Java 17 or newer .* KAFKA_BROKERS/),
      expect.stringMatching(/^Kafka's jars are fetched with Maven, .* KAFKA_BROKERS/),
      expect.stringMatching(/^MinIO is built with Go, which is not in PATH: install Go 1\.24 or newer, or set S3_ENDPOINT/),
      expect.stringMatching(/^The GigaChat simulator is not built .* npm run build, or set GIGACHAT_BASE_URL/),
    ])
    for (const problem of problems) expect(problem).not.toContain('\n')
  })

  it.each([
    ['openjdk version "11.0.2" 2019-01-15', '11.0.2'],
    ['java version "1.8.0_392"', '8.0'],
  ])('finds %s too old', async (text, version) => {
    const problems = await problemsOf(makeMachine({ java: text, mvn: '' }), ['kafka'])
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^Kafka needs Java 17, but .*/java is ${version}: install`))])
  })

  it('finds an old Go too old', async () => {
    const problems = await problemsOf(makeMachine({ go: 'go version go1.9.7 linux/amd64' }), ['minio'])
    expect(problems).toEqual([expect.stringMatching(/^MinIO is built with Go 1\.24, but .*\/go is 1\.9\.7: install/)])
  })

  it('prefers the Java of JAVA_HOME', async () => {
    const machine = makeMachine({ java: 'openjdk version "11.0.2"', mvn: '' })
    const home = makeMachine({ java: JAVA_17 }).projectFolder
    const found = await checkPrerequisites({ ...machine, env: { ...machine.env, JAVA_HOME: home }, parts: ['kafka'] })
    expect(found.java?.command).toBe(join(home, 'bin', 'java'))
  })

  it('asks for neither Maven nor Go where everything has been built before', async () => {
    const machine = makeMachine({ java: JAVA_17 })
    for (const folder of [kafkaFolder(machine.cacheFolder), minioFolder(machine.cacheFolder)]) mkdirSync(folder, { recursive: true })
    expect(await problemsOf(machine, ['kafka', 'minio'])).toEqual([])
  })

  it('asks for nothing that no part needs', async () => {
    expect(await problemsOf(makeMachine({}), ['postgres'])).toEqual([])
  })
})
