import { describe, expect, it } from 'vitest'
import { ClosingLineReporter } from './closing-line.reporter.js'

type Modules = Parameters<ClosingLineReporter['onTestRunEnd']>[0]
type Result = { readonly state: string; readonly note?: string }

const PASSED = { state: 'passed' }
const FAILED = { state: 'failed' }

/** Only what the reporter asks of Vitest's own objects. */
function makeModule(results: readonly Result[], errors: { ofModule?: Error[]; ofSuite?: Error[] } = {}): Modules[number] {
  const children = {
    allTests: () => results.map((result) => ({ result: () => result })),
    allSuites: () => [{ errors: () => errors.ofSuite ?? [] }],
  }
  return { children, errors: () => errors.ofModule ?? [] } as unknown as Modules[number]
}

function report(modules: Modules, unhandled: { message: string }[] = []): string[] {
  let text = ''
  const reporter = new ClosingLineReporter((piece) => (text += piece))
  reporter.onTestRunEnd(modules, unhandled)
  reporter.print()
  return text.trimEnd().split('\n')
}

describe(ClosingLineReporter.name, () => {
  it('adds up the tests of all modules', () => {
    expect(report([makeModule([PASSED, PASSED]), makeModule([PASSED, FAILED])]).at(-1)).toBe('3 passed, 1 failed')
  })

  it('names the skipped ones only where there are any', () => {
    expect(report([makeModule([PASSED, { state: 'skipped' }])]).at(-1)).toBe('1 passed, 0 failed, 1 skipped')
  })

  it('counts what failed outside of tests as failures', () => {
    const modules = [makeModule([], { ofModule: [new Error('cannot load')] }), makeModule([PASSED], { ofSuite: [new Error('beforeAll')] })]
    expect(report(modules, [{ message: 'a rejection that nobody handled' }]).at(-1)).toBe('1 passed, 3 failed')
  })

  it('says before the last line why tests were not run', () => {
    const note = 'needs promtool of the Debian package prometheus'
    const skipped = { state: 'skipped', note }
    expect(report([makeModule([PASSED, skipped, skipped])])).toEqual(['', `not run: 2 tests: ${note}`, '1 passed, 0 failed, 2 skipped'])
  })

  it('prints nothing when no run has ended', () => {
    let text = ''
    new ClosingLineReporter((piece) => (text += piece)).print()
    expect(text).toBe('')
  })
})
