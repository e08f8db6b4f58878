import type { Template } from 'liquidjs'
import type { VariableDeclaration } from './prompt-template.schema.js'

/** One version of a template, parsed and checked. */
export interface PromptTemplate {
  readonly name: string
  readonly version: number
  readonly description: string
  readonly variables: Readonly<Record<string, VariableDeclaration>>
  readonly parts: readonly PromptPart[]
  /** Of its text as it was written, without what is put in. */
  readonly estimatedTokens: number
  /** The files that it puts in by itself, as `{{ files.<name> }}`. */
  readonly fileNames: ReadonlySet<string>
  /** SHA-256 of the file's text, lower-case hex: tells whether a version is still what it was. */
  readonly sha256: string
}

/** How a version is named in results and errors. */
export function labelOf({ name, version }: Pick<PromptTemplate, 'name' | 'version'>): string {
  return `${name}@${version}`
}

export interface PromptPart {
  readonly role: 'system' | 'user'
  readonly parsed: Template[]
}
