import { vi } from 'vitest'
import type { Environment } from '#libs/config'
import { makeProgram } from '../../../apps/cli/src/program.js'
import type { TestDatabase } from '../db/test-database.js'

export interface Printed {
  readonly out: string
  readonly err: string
  readonly exitCode: unknown
}

/** What `sluice ...` prints on this database. `env`: what else is set. */
export async function runSluice(
  { url, env = {} }: Pick<TestDatabase, 'url'> & { readonly env?: Environment },
  ...args: readonly string[]
): Promise<Printed> {
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const before = process.exitCode
  process.exitCode = undefined
  try {
    await makeProgram({ DATABASE_URL: url, ...env }).parseAsync([...args], { from: 'user' })
    return { out: stdout.mock.calls.join(''), err: stderr.mock.calls.join(''), exitCode: process.exitCode }
  } finally {
    process.exitCode = before
    stdout.mockRestore()
    stderr.mockRestore()
  }
}
