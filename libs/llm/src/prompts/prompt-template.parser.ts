import type { FieldProblem } from '#libs/config'
import type { Liquid } from 'liquidjs'
import type { PromptPart } from './prompt-template.js'
import type { PromptTemplateFile } from './prompt-template.schema.js'
import { findValueProblem } from './prompt-variables.js'

export interface ParsedTemplate {
  readonly parts: readonly PromptPart[]
  readonly fileNames: ReadonlySet<string>
  readonly problems: readonly FieldProblem[]
}

type Segment = string | number | Segment[]

/** Parses the messages of a template once, and finds what would fail at every task: syntax, undeclared and unused variables, wrong defaults. */
export function parsePromptTemplate(file: PromptTemplateFile, engine: Liquid): ParsedTemplate {
  const problems: FieldProblem[] = []
  const parts: PromptPart[] = []
  const paths: Segment[][] = []
  for (const role of ['system', 'user'] as const) {
    const source = file[role]
    if (source === undefined) continue
    try {
      const parsed = engine.parse(source)
      parts.push({ role, parsed })
      paths.push(...engine.globalVariableSegmentsSync(parsed, { partials: false }))
    } catch (error) {
      problems.push({ path: role, problem: `is not a Liquid template: ${firstLine(error)}` })
    }
  }
  const isComplete = problems.length === 0
  problems.push(...findVariableProblems(file, isComplete ? paths : undefined), ...paths.flatMap(findFileProblem))
  return { parts, fileNames: new Set(paths.flatMap(fileNameOf)), problems }
}

/** `paths` is undefined where a part could not be parsed: then it is not known what is used. */
function findVariableProblems({ variables }: PromptTemplateFile, paths: Segment[][] | undefined): FieldProblem[] {
  const declarations = Object.entries(variables).flatMap(([name, declaration]) => findDeclarationProblems(name, declaration))
  if (paths === undefined) return declarations
  const used = new Set(paths.map(([root]) => String(root)))
  const undeclared = [...used].filter((name) => name !== 'files' && !Object.hasOwn(variables, name))
  const unused = Object.keys(variables).filter((name) => !used.has(name))
  return [
    ...declarations,
    ...undeclared.map((name) => ({ path: `variables.${name}`, problem: 'is used but not declared: declare it with its type' })),
    ...unused.map((name) => ({ path: `variables.${name}`, problem: 'is declared but never used: use it or remove it' })),
  ]
}

function findDeclarationProblems(name: string, declaration: PromptTemplateFile['variables'][string]): FieldProblem[] {
  const { default: value, required, max_length: maxLength, type } = declaration
  const problems: FieldProblem[] = []
  if (maxLength !== undefined && type !== 'string' && type !== 'list') {
    problems.push({ path: `variables.${name}.max_length`, problem: `is for strings and lists, not for a ${type}: remove it` })
  }
  if (value === undefined) return problems
  if (required === true)
    problems.push({ path: `variables.${name}.required`, problem: 'cannot be true where there is a default: remove one of them' })
  const problem = findValueProblem(value, declaration)
  if (problem !== undefined) problems.push({ path: `variables.${name}.default`, problem })
  return problems
}

function findFileProblem([root, name]: Segment[]): FieldProblem[] {
  if (root !== 'files' || typeof name === 'string') return []
  return [{ path: 'files', problem: 'must be used with a fixed name, as in {{ files.report }} or {{ files["my.report"] }}' }]
}

function fileNameOf([root, name]: Segment[]): string[] {
  return root === 'files' && typeof name === 'string' ? [name] : []
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n', 1)[0]!
}
