import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { z } from 'zod'
import { describeSchemaIssue, type FieldProblem } from './schema-issue.js'

export interface CheckedFile<T> {
  /** undefined where there are problems. */
  readonly value: T | undefined
  readonly text: string
  readonly problems: readonly FieldProblem[]
}

/** Reads one YAML file (1.2, no custom tags, aliases limited) and checks it. Never throws: an unreadable file is a problem too. */
export function readYamlFile<T>(path: string, schema: z.ZodType<T>): CheckedFile<T> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return { value: undefined, text: '', problems: [{ path: '', problem: `cannot be read: ${(error as Error).message}` }] }
  }
  return { text, ...checkYaml(text, schema) }
}

/** The names of a folder's YAML files, sorted. `problem` where the folder cannot be read. */
export function listYamlFiles(folder: string): { names: readonly string[]; problem?: string } {
  try {
    const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name))
    return { names: names.toSorted() }
  } catch (error) {
    return { names: [], problem: `cannot read the folder: ${(error as Error).message}` }
  }
}

function checkYaml<T>(text: string, schema: z.ZodType<T>): Omit<CheckedFile<T>, 'text'> {
  let json: unknown
  try {
    json = parse(text, { uniqueKeys: true, maxAliasCount: 100 })
  } catch (error) {
    return { value: undefined, problems: [{ path: '', problem: `is not YAML: ${firstLine((error as Error).message)}` }] }
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return { value: parsed.data, problems: [] }
  return { value: undefined, problems: parsed.error.issues.flatMap((issue) => describeSchemaIssue(issue, schema)) }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.replace(/:$/, '')
}
