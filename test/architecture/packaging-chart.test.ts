import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, type TestContext } from 'vitest'
import { HELM, locateProgram } from '../../tools/chart/go.program.js'
import { HelmChart } from '../../tools/chart/helm.chart.js'

const MINIMAL = 'helm/sluice/ci/minimal-values.yaml'
const EVERYTHING = 'helm/sluice/ci/everything-values.yaml'
const CACHE = process.env.SLUICE_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice')

/** It takes minutes to build, so the tests do without it where nobody has run `npm run chart`; the workflow always does. */
async function chartOf(context: TestContext): Promise<HelmChart> {
  const helm = locateProgram(HELM, CACHE)
  await access(helm).catch(() => context.skip('needs helm: npm run chart builds it, with Go'))
  return new HelmChart(helm, 'helm/sluice')
}

describe(HelmChart.name, () => {
  it.for([MINIMAL, EVERYTHING])('has nothing against %s', async (values, context) => {
    const chart = await chartOf(context)
    await expect(chart.lint(values)).resolves.toBeUndefined()
  })

  it('tells everything that is missing at once', async (context) => {
    const chart = await chartOf(context)
    const missing = ['KAFKA_BROKERS', 'S3_ENDPOINT', 'DATABASE_URL', 'S3_ACCESS_KEY', 'S3_SECRET_KEY', 'no provider']
    await expect(chart.render('helm/sluice/values.yaml')).rejects.toThrow(new RegExp(missing.join('.*'), 's'))
  })

  it.for([
    ['a misspelt setting', 'settings.KAFKA_BROKER=k:9092', /\/settings': additional properties 'KAFKA_BROKER' not allowed/],
    ['a secret among the plain settings', 'settings.OPENAI_API_KEY=k', /\/settings': additional properties 'OPENAI_API_KEY' not allowed/],
    ['the right to change the schema in the worker', 'secrets[0].keys.MIGRATION_DATABASE_URL=k', /'MIGRATION_DATABASE_URL' not allowed/],
    ['a value that nobody reads', 'replicas=3', /additional properties 'replicas' not allowed/],
    ['an image that changes', 'image.tag=latest', /\/image\/tag/],
    ['a grace that ends calls', 'terminationGracePeriodSeconds=159', /must be at least 160: SHUTDOWN_GRACE_MS \(135000\)/],
  ] as const)('refuses %s', async ([, value, message], context) => {
    const chart = await chartOf(context)
    await expect(chart.render(MINIMAL, ['--set', value])).rejects.toThrow(message)
  })

  it('waits longer for calls that may take longer', async (context) => {
    const chart = await chartOf(context)
    const manifests = await chart.render(MINIMAL, ['--set', 'settings.SHUTDOWN_GRACE_MS=600500'])
    expect(manifests).toContain('terminationGracePeriodSeconds: 626\n')
  })

  it('writes large numbers as the service reads them', async (context) => {
    const chart = await chartOf(context)
    expect(await chart.render(EVERYTHING)).toContain('KAFKA_WINDOW_BYTES: "67108864"')
  })
})
