import { listYamlFiles, readYamlFile, type SettingsProblem } from '#libs/config'
import { TASK_LIMITS } from '#libs/contracts'
import { estimateMessageTokens } from '#libs/kernel'
import type { Liquid } from 'liquidjs'
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PromptTemplate } from './prompt-template.js'
import { parsePromptTemplate } from './prompt-template.parser.js'
import { promptTemplateFileSchema } from './prompt-template.schema.js'

export interface LoadedTemplates {
  readonly templates: readonly PromptTemplate[]
  readonly problems: readonly SettingsProblem[]
}

/** Reads PROMPTS_DIR/<name>/<version>.yaml, all of them, and collects the problems of all. Never throws. */
export function loadPromptTemplates(folder: string, engine: Liquid): LoadedTemplates {
  let names: string[]
  try {
    names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .toSorted()
  } catch (error) {
    return {
      templates: [],
      problems: [{ setting: `PROMPTS_DIR ${folder}`, problem: `cannot read the folder: ${(error as Error).message}` }],
    }
  }
  return merge(names.map((name) => loadVersions(folder, name, engine)))
}

function loadVersions(folder: string, name: string, engine: Liquid): LoadedTemplates {
  const path = join(folder, name)
  if (!TASK_LIMITS.namePattern.test(name)) {
    return {
      templates: [],
      problems: [{ setting: path, problem: 'the folder must be named by its template: 1 to 64 of A-Z a-z 0-9 . _ -' }],
    }
  }
  const files = listYamlFiles(path).names
  if (files.length === 0) return { templates: [], problems: [{ setting: path, problem: 'has no version: write 1.yaml' }] }
  return merge(files.map((file) => loadVersion(join(path, file), { name, file, engine })))
}

function loadVersion(path: string, { name, file, engine }: { name: string; file: string; engine: Liquid }): LoadedTemplates {
  const version = /^([1-9]\d{0,8})\.yaml$/.exec(file)?.[1]
  if (version === undefined) return { templates: [], problems: [{ setting: path, problem: 'must be named by its version, as in 1.yaml' }] }
  const { value, text, problems } = readYamlFile(path, promptTemplateFileSchema)
  const inFile = ({ path: at, problem }: { path: string; problem: string }) => ({ setting: at === '' ? path : `${path} ${at}`, problem })
  if (value === undefined) return { templates: [], problems: problems.map(inFile) }
  const { parts, fileNames, problems: found } = parsePromptTemplate(value, engine)
  const template: PromptTemplate = {
    name,
    version: Number(version),
    description: value.description ?? '',
    variables: value.variables,
    parts,
    estimatedTokens: estimateMessageTokens([value.system, value.user].flatMap((content) => (content === undefined ? [] : [{ content }]))),
    fileNames,
    sha256: createHash('sha256').update(text).digest('hex'),
  }
  return { templates: [template], problems: found.map(inFile) }
}

function merge(loaded: readonly LoadedTemplates[]): LoadedTemplates {
  return { templates: loaded.flatMap(({ templates }) => templates), problems: loaded.flatMap(({ problems }) => problems) }
}
