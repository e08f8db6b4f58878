import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LedgerStep } from './ledger.step.js'

const FOLDER = 'reports/model'
/** The shortest sequences that show a rule broken: they are run on every build. */
const KEPT = join(import.meta.dirname, 'sequences')

/** A sequence that failed. `seed` and `path` are fast-check's; the steps alone are enough to run it again. */
export interface FailedSequence {
  readonly about: string
  readonly seed: number
  readonly path: string
  readonly steps: readonly LedgerStep[]
}

/** Returns where it is kept. */
export async function saveSequence(sequence: FailedSequence): Promise<string> {
  await mkdir(FOLDER, { recursive: true })
  const file = join(FOLDER, `ledger-${sequence.seed}.json`)
  await writeFile(file, `${JSON.stringify(sequence, null, 2)}\n`)
  return file
}

export async function loadSequence(file: string): Promise<FailedSequence> {
  return JSON.parse(await readFile(file, 'utf8')) as FailedSequence
}

export async function loadKeptSequences(): Promise<FailedSequence[]> {
  const files = await readdir(KEPT)
  return Promise.all(files.map((file) => loadSequence(join(KEPT, file))))
}
