import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROJECT_FOLDER } from '#tools/rig'
import type { Proof } from '../matrix/fault.matrix.js'

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/** Whether a proof's tests have passed; undefined where there is none of that name. */
export type ProofVerdicts = (proof: Proof) => boolean | undefined

/** Runs the files of these proofs, whole, as `npm test` would. */
export async function runProofs(proofs: readonly Proof[]): Promise<ProofVerdicts> {
  const files = [...new Set(proofs.map(({ file }) => file))]
  const output = join(PROJECT_FOLDER, '.stack/faults/tests.json')
  await runVitest(['run', '--reporter=default', '--reporter=json', `--outputFile.json=${output}`, ...files])
  const { testResults } = JSON.parse(await readFile(output, 'utf8')) as VitestReport
  return ({ file, name }) => {
    const tests = testResults
      .filter((result) => result.name === join(PROJECT_FOLDER, file))
      .flatMap(({ assertionResults }) => assertionResults.filter(({ fullName }) => fullName.includes(name)))
    return tests.length === 0 ? undefined : tests.every(({ status }) => status === 'passed')
  }
}

/** Failed tests are in its report, so its exit code says nothing more. */
async function runVitest(args: readonly string[]): Promise<void> {
  const program = join(PROJECT_FOLDER, 'node_modules/vitest/vitest.mjs')
  const child = spawn(process.execPath, [program, ...args], { cwd: PROJECT_FOLDER, stdio: 'inherit' })
  await new Promise<void>((resolve, reject) => child.once('error', reject).once('exit', () => resolve()))
}
