import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node'

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

type Modules = ReadonlyArray<Pick<TestModule, 'children' | 'errors'>>
type Results = ReturnType<TestCase['result']>

/**
 * Ends the output of a run with `N passed, N failed` alone on a line (`, N skipped` follows where there are any), for those who read no
 * more than that. Before it stands what was skipped with a reason: a test says one by `context.skip('needs the package prometheus')`.
 *
 * Coverage is reported, and the servers of the run are stopped, after the last hook that a reporter has: the lines are kept until the
 * process ends.
 */
export class ClosingLineReporter implements Reporter {
  /** undefined until the first run has ended: nothing can be told of it then. */
  private lines: readonly string[] | undefined

  constructor(private readonly write: (text: string) => void = (text) => process.stdout.write(text)) {}

  onInit(): void {
    process.once('exit', () => this.print())
  }

  onTestRunEnd(modules: Modules, unhandledErrors: readonly SerializedError[]): void {
    const results = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result()))
    this.lines = [...describeSkipped(results), describeCounts(countResults(results, modules, unhandledErrors))]
  }

  print(): void {
    if (this.lines) this.write(`\n${this.lines.join('\n')}\n`)
  }
}

/** What failed outside of a test (a file that cannot be loaded, a hook, a rejection that nobody handled) counts as a failure as well. */
function countResults(results: readonly Results[], modules: Modules, unhandledErrors: readonly SerializedError[]): Counts {
  const count = (state: Results['state']) => results.filter((result) => result.state === state).length
  const outside = modules.flatMap((module) => [...module.errors(), ...[...module.children.allSuites()].flatMap((suite) => suite.errors())])
  return {
    passed: count('passed'),
    failed: count('failed') + outside.length + unhandledErrors.length,
    skipped: count('skipped') + count('pending'),
  }
}

function describeCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

function describeSkipped(results: readonly Results[]): string[] {
  const reasons = new Map<string, number>()
  for (const result of results) {
    if (result.state === 'skipped' && result.note) reasons.set(result.note, (reasons.get(result.note) ?? 0) + 1)
  }
  return [...reasons].map(([reason, count]) => `not run: ${count} ${count === 1 ? 'test' : 'tests'}: ${reason}`)
}
