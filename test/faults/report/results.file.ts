import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PROJECT_FOLDER } from '#tools/rig'
import type { FaultResult } from './fault.result.js'

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

  get all(): readonly FaultResult[] {
    return this.results.toSorted((a, b) => a.row.localeCompare(b.row, 'en', { numeric: true }) || a.seed - b.seed)
  }

  find({ row, seed, tree }: Pick<FaultResult, 'row' | 'seed' | 'tree'>): FaultResult | undefined {
    return this.results.find((result) => result.row === row && result.seed === seed && result.tree === tree)
  }

  async put(result: FaultResult): Promise<void> {
    this.results = [...this.results.filter(({ row, seed }) => row !== result.row || seed !== result.seed), result]
    await mkdir(dirname(this.path), { recursive: true })
    await writeFile(`${this.path}.draft`, `${JSON.stringify(this.results, null, 2)}\n`)
    await rename(`${this.path}.draft`, this.path)
  }
}
