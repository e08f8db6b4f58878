import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PROJECT_FOLDER } from '#tools/rig'
import { isAsExpected, type FaultResult } from './fault.result.js'

type ResultKey = Pick<FaultResult, 'row' | 'seed' | 'test'>

/** Both lie outside of what a result depends on. */
const OWN_FILE = join(PROJECT_FOLDER, '.stack/faults/results.json')
const PUBLISHED_FILE = join(PROJECT_FOLDER, 'docs/faults.results.json')

/** The last result of each schedule and seed, kept after every schedule, so that a run that was broken off can go on. */
export class ResultsFile {
  private constructor(
    private readonly path: string,
    private results: readonly FaultResult[],
  ) {}

  /** What was run here, and what was published with the sources where that is newer. */
  static async open(path = OWN_FILE, publishedPath = PUBLISHED_FILE): Promise<ResultsFile> {
    const results = await Promise.all([readResults(publishedPath), readResults(path)])
    const byAge = results.flat().toSorted((one, other) => one.date.localeCompare(other.date))
    return new ResultsFile(path, [...new Map(byAge.map((result) => [makeKey(result), result])).values()])
  }

  find(key: ResultKey & Pick<FaultResult, 'tree'>): FaultResult | undefined {
    const found = this.last(key)
    return found?.tree === key.tree ? found : undefined
  }

  /** Of any tree. */
  last(key: ResultKey): FaultResult | undefined {
    return this.results.find((result) => isSame(result, key))
  }

  async put(result: FaultResult): Promise<void> {
    const failedBefore = countFailures(this.find(result))
    const kept = this.results.filter((other) => !isSame(other, result))
    this.results = [...kept, { ...result, ...(failedBefore > 0 && { failedBefore }) }]
    await mkdir(dirname(this.path), { recursive: true })
    await writeFile(`${this.path}.draft`, `${JSON.stringify(this.results, null, 2)}\n`)
    await rename(`${this.path}.draft`, this.path)
  }
}

function makeKey({ row, seed, test = '' }: ResultKey): string {
  return `${row} ${seed} ${test}`
}

function isSame(one: ResultKey, other: ResultKey): boolean {
  return makeKey(one) === makeKey(other)
}

function countFailures(result: FaultResult | undefined): number {
  if (!result) return 0
  return (result.failedBefore ?? 0) + (isAsExpected(result) ? 0 : 1)
}

async function readResults(path: string): Promise<FaultResult[]> {
  const text = await readFile(path, 'utf8').catch(() => '[]')
  return JSON.parse(text) as FaultResult[]
}
