import type { TestProject } from 'vitest/node'
import { printProgress, startStack, type GigachatAddress, type S3Address } from '#tools/stack'

/** Where the real servers of this test run are. Every test makes its own database, topics, groups and bucket prefix on them. */
export interface TestStack {
  readonly databaseUrl: string
  readonly kafkaBrokers: readonly string[]
  readonly s3: S3Address
  readonly gigachat: GigachatAddress
}

declare module 'vitest' {
  interface ProvidedContext {
    stack: TestStack
  }
}

/** One stack for all integration and e2e tests of a run; it ends with the run, however that ends. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await startStack({ name: 'tests', kafka: { quickStart: true }, onProgress: printProgress })
  const { databaseUrl, kafkaBrokers, s3, gigachat } = stack
  project.provide('stack', { databaseUrl, kafkaBrokers, s3, gigachat })
  return () => stack.stop()
}
