import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PROJECT_FOLDER } from '#tools/rig'
import type { FaultResult } from './fault.result.js'

type ResultKey = Pick<FaultResult, 'row' | 'seed' | 'test'>

function isSame(one: ResultKey, other: ResultKey): boolean {
  return one.row === other.row && one.seed === other.seed && one.test === other.test
}

/** The last result of each schedule and seed, kept after every schedule, so that a run that was broken off can go on. */
export class ResultsFile {
  private constructor(
    private readonly path: string,
    private results: readonly FaultResult[],
  ) {}

  /** Below `.stack`, which is not part of the sources. */
  static async open(path = join(PROJECT_FOLDER, '.stack/faults/results.json')): Promise<ResultsFile> {
    const text = await readFile(path, 'utf8').catch(() => '[]')
    return new ResultsFile(path, JSON.parse(text) as FaultResult[])
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
    this.results = [...this.results.filter((other) => !isSame(other, result)), result]
    await mkdir(dirname(this.path), { recursive: true })
    await writeFile(`${this.path}.draft`, `${JSON.stringify(this.results, null, 2)}\n`)
    await rename(`${this.path}.draft`, this.path)
  }
}
