import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { runPromtool } from '#tools/prometheus'
import { WorkerModule } from '../../../apps/worker/src/worker.module.js'
import { makeMetricsCatalogue } from '../../../tools/docs/metrics.catalogue.js'

const RULES = 'helm/sluice/alerts/sluice.rules.yaml'
const TESTS = 'helm/sluice/alerts/tests'
const RUNBOOK = 'docs/operations.md'

interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook_url', string>>
}

interface RuleTest {
  readonly name: string
  readonly promql_expr_test: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[]
}

const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: AlertRule[] }[] }
const alerts = groups.flatMap(({ rules }) => rules)
const files = readdirSync(TESTS).map((name) => join(TESTS, name))
const cases = files.flatMap((file) => (parse(readFileSync(file, 'utf8')) as { tests: RuleTest[] }).tests)

describe('alert rules', () => {
  it('are understood by Prometheus', async () => {
    const { code, text } = await runPromtool(['check', 'rules', RULES])
    expect(text).toContain(`${alerts.length} rules found`)
    expect(code).toBe(0)
  })

  it('fire when they should, and only then', async () => {
    const { code, text } = await runPromtool(['test', 'rules', ...files])
    expect(text).not.toContain('FAILED')
    expect(code).toBe(0)
  })

  it('have a case each in which they fire, and one in which they do not', () => {
    for (const { alert } of alerts) {
      const expected = cases.flatMap(({ promql_expr_test: checks }) =>
        checks.filter(({ expr }) => expr.includes(`alertname="${alert}"`)).map(({ exp_samples: samples }) => samples.length),
      )
      expect({ alert, expected }).toEqual({ alert, expected: [1, 0] })
    }
  })

  it('have a runbook each, a severity, and words that say what is the matter', () => {
    const sections = new Set(Array.from(readFileSync(RUNBOOK, 'utf8').matchAll(/^### (\w+)$/gm), ([, name]) => name!))
    for (const { alert, labels, annotations } of alerts) {
      expect(['page', 'warn']).toContain(labels.severity)
      expect(annotations.summary.length).toBeGreaterThan(10)
      expect(annotations.description.length).toBeGreaterThan(20)
      expect(annotations.runbook_url).toBe(`${RUNBOOK}#${alert.toLowerCase()}`)
      expect(sections).toContain(alert)
    }
    expect(new Set(alerts.map(({ alert }) => alert))).toEqual(sections)
  })

  it('ask for metrics that there are', () => {
    const known = new Set(
      makeMetricsCatalogue(WorkerModule).flatMap(({ name, type }) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    )
    const asked = alerts.flatMap(({ expr }) => expr.match(/sluice_[a-z0-9_]+/g) ?? [])
    expect(asked.filter((name) => !known.has(name))).toEqual([])
  })
})
