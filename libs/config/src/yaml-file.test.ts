import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { listYamlFiles, readYamlFile } from '#libs/config'

const schema = z.strictObject({
  max_tokens: z.number().int().positive(),
  mode: z.enum(['none', 'key']).default('none'),
  names: z.array(z.string().min(1)).min(1).optional(),
  inner: z.strictObject({ version: z.number() }).optional(),
  items: z.array(z.strictObject({ first: z.number().gt(0) })).optional(),
  map: z.record(z.string(), z.strictObject({ second: z.number() })).optional(),
})

function makeFolder(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'yaml-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

function check(text: string) {
  return readYamlFile(join(makeFolder({ 'a.yaml': text }), 'a.yaml'), schema)
}

function problemsOf(text: string): string[] {
  return check(text).problems.map(({ path, problem }) => `${path}: ${problem}`)
}

describe(readYamlFile.name, () => {
  it('gives the checked value with its defaults and the text', () => {
    expect(check('max_tokens: 5')).toEqual({ value: { max_tokens: 5, mode: 'none' }, text: 'max_tokens: 5', problems: [] })
  })

  it('names every problem with what to write', () => {
    expect(problemsOf('mode: both\nnames: [""]\ninner: {version: x}\nitems: [{first: 0}]')).toEqual([
      'max_tokens: is missing: must be a number',
      'mode: must be one of none, key',
      'names[0]: must have at least 1 character',
      'inner.version: must be a number',
      'items[0].first: must be greater than 0',
    ])
    expect(problemsOf('{max_tokens: 1.5, names: []}')).toEqual(['max_tokens: must be a whole number', 'names: must have at least 1 item'])
  })

  it('asks "did you mean" for unknown fields, at any depth', () => {
    expect(
      problemsOf(
        '{max_tokens: 1, maxTokens: 2, inner: {verson: 1, version: 1}, items: [{frist: 1, first: 1}], map: {x: {sceond: 1, second: 1}}}',
      ),
    ).toEqual([
      'inner.verson: unknown field; did you mean version?',
      'items[0].frist: unknown field; did you mean first?',
      'map.x.sceond: unknown field; did you mean second?',
      'maxTokens: unknown field; did you mean max_tokens?',
    ])
    expect(problemsOf('{max_tokens: 1, completely_different: 2}')).toEqual([
      'completely_different: unknown field; known fields: max_tokens, mode, names, inner, items, map',
    ])
  })

  it('refuses text that is not YAML, names that come twice and alias bombs', () => {
    expect(problemsOf('a: [')[0]).toMatch(/^: is not YAML: /)
    expect(problemsOf('max_tokens: 1\nmax_tokens: 2')[0]).toMatch(/is not YAML: Map keys must be unique/)
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${'bcdefgh'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array.from({ length: 10 }, () => `*${'abcdefgh'[index]}`).join(', ')}]`)
      .join('\n')}`
    expect(problemsOf(bomb)[0]).toMatch(/is not YAML: Excessive alias count/)
  })

  it('takes a file that cannot be read as a problem', () => {
    expect(readYamlFile('/nowhere/a.yaml', schema).problems[0]?.problem).toMatch(/^cannot be read: ENOENT/)
  })
})

describe(listYamlFiles.name, () => {
  it('lists YAML files in order and leaves others out', () => {
    expect(listYamlFiles(makeFolder({ 'b.yml': '', 'a.yaml': '', 'README.md': '' }))).toEqual({ names: ['a.yaml', 'b.yml'] })
  })

  it('names a folder that cannot be read', () => {
    expect(listYamlFiles('/nowhere').problem).toMatch(/^cannot read the folder: ENOENT/)
  })
})
