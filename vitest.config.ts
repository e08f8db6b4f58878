import { defineConfig } from 'vitest/config'
import { dropPhantomBranches } from './tools/coverage/phantom-branches.plugin.js'
import { ClosingLineReporter } from './tools/test-report/closing-line.reporter.js'

/** Limits of single tests are four times as wide on CI, whose machines are slower and shared. */
const patience = process.env.CI ? 4 : 1

export default defineConfig({
  // Nest's injector needs emitted decorator metadata; Vite's oxc transform reads the options from tsconfig.json.
  plugins: [dropPhantomBranches()],
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    // The cache ignores changes of tsconfig.json.
    fsModuleCache: !process.env.CI,
    reporters: ['default', new ClosingLineReporter()],
    coverage: {
      provider: 'v8',
      // A failed test must not hide what the coverage is.
      reportOnFailure: true,
      include: ['libs/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/testing/**', '**/index.ts', '**/*.module.ts'],
      reporter: ['text-summary', 'lcov', 'json-summary'],
      thresholds: { lines: 90, branches: 90 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'libs/**/*.test.ts',
            'apps/**/*.test.ts',
            'tools/**/*.test.ts',
            'test/architecture/**/*.test.ts',
            'test/faults/**/*.test.ts',
            'test/simulation/**/*.test.ts',
          ],
          setupFiles: ['test/harness/setup.ts'],
          testTimeout: 5_000 * patience,
          hookTimeout: 10_000 * patience,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          setupFiles: ['test/harness/setup.ts'],
          globalSetup: ['test/harness/global-stack.ts'],
          testTimeout: 30_000 * patience,
          hookTimeout: 60_000 * patience,
          // Real servers on a shared machine: a test that fails once there and then passes says something about the machine.
          retry: process.env.CI ? 2 : 0,
          expect: { poll: { timeout: 5_000 * patience } },
          maxWorkers: 2,
        },
      },
    ],
  },
})
