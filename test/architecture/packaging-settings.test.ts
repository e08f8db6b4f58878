import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { WORKER_SETTINGS } from '../../apps/worker/src/settings.js'
import { updateValuesSchema } from '../../tools/docs/chart.schema.js'
import { makeCatalogue } from '../../tools/docs/settings.catalogue.js'
import { makeSettingsPage } from '../../tools/docs/settings.page.js'

const catalogue = makeCatalogue(WORKER_SETTINGS)

/** The formatter lays tables and JSON out anew; what they say counts. */
const withoutLayout = (text: string) => text.replaceAll(/-{3,}/g, '---').replaceAll(/ +/g, ' ')

const sectionOf = (shape: z.ZodRawShape) => [{ shape }]

describe('the settings (npm run docs:settings writes them)', () => {
  it('each have a description, and no description is of a setting that is gone', () => {
    expect(() => makeSettingsPage(catalogue)).not.toThrow()
  })

  it('stand in docs/settings.md as the schemas have them', () => {
    expect(withoutLayout(readFileSync('docs/settings.md', 'utf8'))).toBe(withoutLayout(makeSettingsPage(catalogue)))
  })

  it('are the ones that the chart takes', () => {
    const schema = readFileSync('helm/sluice/values.schema.json', 'utf8')
    expect(JSON.parse(schema)).toEqual(JSON.parse(updateValuesSchema(schema)))
  })
})

describe(makeSettingsPage.name, () => {
  it('names what is missing and what is too much', () => {
    const others = new Map([...catalogue].filter(([name]) => name !== 'S3_REGION')).set('NEW_ONE', {
      values: 'text',
      defaultValue: undefined,
      required: false,
    })
    expect(() => makeSettingsPage(others)).toThrow(
      'NEW_ONE has no description\nS3_REGION is described, but there is no such setting\n(tools/docs/settings.descriptions.ts)',
    )
  })
})

describe(makeCatalogue.name, () => {
  it('takes the default and the limits from the schema', () => {
    expect(catalogue.get('HTTP_PORT')).toEqual({ values: 'whole number from 0 to 65535', defaultValue: 8080, required: false })
    expect(catalogue.get('KAFKA_BROKERS')).toEqual({ values: 'comma-separated list', defaultValue: undefined, required: true })
    expect(catalogue.get('LOG_FORMAT')?.values).toBe('`json`, `pretty`')
  })

  it('leaves out the path of a setting that is listed, and keeps a file that is none', () => {
    const shape = { A: z.string().optional(), A_FILE: z.string().optional(), B_FILE: z.string().optional() }
    expect([...makeCatalogue(sectionOf(shape)).keys()]).toEqual(['A', 'B_FILE'])
  })

  it('refuses two sections that disagree about a default', () => {
    const sections = ['x', 'y'].flatMap((value) => sectionOf({ A: z.string().default(value) }))
    expect(() => makeCatalogue(sections)).toThrow('A has two defaults: "x" and "y"')
  })
})
