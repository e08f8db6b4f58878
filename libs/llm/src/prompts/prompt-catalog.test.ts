import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SettingsError } from '#libs/config'
import { createPromptCatalog } from './create-prompt-catalog.js'
import { makeLiquidEngine } from './liquid-engine.js'
import { PromptCatalog } from './prompt-catalog.js'

function makeFolder(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'prompts-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

function create(files: Record<string, string>): PromptCatalog {
  return createPromptCatalog({ folder: makeFolder(files) }, makeLiquidEngine())
}

function problemsOf(files: Record<string, string>): string[] {
  const folder = makeFolder(files)
  try {
    createPromptCatalog({ folder }, makeLiquidEngine())
    return []
  } catch (error) {
    return (error as SettingsError).problems.map(({ setting, problem }) => `${setting.replace(`${folder}/`, '')}: ${problem}`)
  }
}

function createGreetings(): PromptCatalog {
  return create({ 'greet/1.yaml': 'user: one', 'greet/2.yaml': 'user: two', 'greet/10.yaml': 'user: ten', 'README.md': '', '.git/x': '' })
}

describe(PromptCatalog.name, () => {
  it('gives a version by its number, and the latest where none is named', () => {
    expect(createGreetings().get('greet', 2)).toMatchObject({ name: 'greet', version: 2 })
    expect(createGreetings().get('greet').version).toBe(10)
    expect(createGreetings().find('greet', 3)).toBeUndefined()
  })

  it('says what there is instead of a template that it does not have', () => {
    expect(() => createGreetings().get('other')).toThrow(
      expect.objectContaining({ code: 'template_not_found', message: 'template: other: there is no template of this name' }),
    )
    expect(() => createGreetings().get('greet', 3)).toThrow('template: greet version 3: its versions are 1, 10, 2')
  })
})

describe(createPromptCatalog.name, () => {
  it('keeps the hash of each file and the files that it uses', () => {
    const [template] = create({ 'a/1.yaml': 'user: "{{ files.report }} {{ files[\'my.notes\'] }}"' }).all
    expect(template?.sha256).toMatch(/^[0-9a-f]{64}$/)
    expect([...template!.fileNames]).toEqual(['report', 'my.notes'])
  })

  it('names the problems of all files at once', () => {
    expect(
      problemsOf({
        'bad name/1.yaml': 'user: x',
        'empty/README.md': '',
        'latest/latest.yaml': 'user: x',
        'schema/1.yaml': 'usr: x',
        'syntax/1.yaml': 'user: "{{ a"\nsystem: "{% if %}"\nvariables: { b: { type: number, max_length: 1 } }',
        'include/1.yaml': 'user: "{% include \'/etc/passwd\' %}"',
        'undeclared/1.yaml': 'user: "{{ a.b }}{% assign c = d %}{{ c }}"',
        'unused/1.yaml': 'user: x\nvariables: { a: { type: string } }',
        'reserved/1.yaml': 'user: "{{ files.a }}"\nvariables: { files: { type: object } }',
        'names/1.yaml': 'user: x\nvariables: { "1a": { type: string } }',
        'default/1.yaml':
          'user: "{{ a }}{{ b }}"\nvariables: { a: { type: string, default: 1 }, b: { type: list, required: true, default: [] } }',
        'dynamic/1.yaml': 'user: "{{ files[a] }}{% for f in files %}{% endfor %}"\nvariables: { a: { type: string } }',
      }),
    ).toEqual([
      'bad name: the folder must be named by its template: 1 to 64 of A-Z a-z 0-9 . _ -',
      'default/1.yaml variables.a.default: must be a string',
      'default/1.yaml variables.b.required: cannot be true where there is a default: remove one of them',
      'dynamic/1.yaml files: must be used with a fixed name, as in {{ files.report }} or {{ files["my.report"] }}',
      'dynamic/1.yaml files: must be used with a fixed name, as in {{ files.report }} or {{ files["my.report"] }}',
      'empty: has no version: write 1.yaml',
      expect.stringMatching(/^include\/1\.yaml user: is not a Liquid template: tag "include" not found/),
      'latest/latest.yaml: must be named by its version, as in 1.yaml',
      expect.stringMatching(/^names\/1\.yaml variables\.1a: /),
      expect.stringMatching(/^reserved\/1\.yaml variables\.files: /),
      'schema/1.yaml user: is missing: must be a text',
      'schema/1.yaml usr: unknown field; did you mean user?',
      expect.stringMatching(/^syntax\/1\.yaml system: is not a Liquid template: /),
      expect.stringMatching(/^syntax\/1\.yaml user: is not a Liquid template: output "\{\{ a" not closed/),
      'syntax/1.yaml variables.b.max_length: is for strings and lists, not for a number: remove it',
      'undeclared/1.yaml variables.a: is used but not declared: declare it with its type',
      'undeclared/1.yaml variables.d: is used but not declared: declare it with its type',
      'unused/1.yaml variables.a: is declared but never used: use it or remove it',
    ])
  })

  it('names a folder that cannot be read', () => {
    expect(() => createPromptCatalog({ folder: '/nowhere' }, makeLiquidEngine())).toThrow(
      /PROMPTS_DIR \/nowhere: cannot read the folder: ENOENT/,
    )
  })
})
