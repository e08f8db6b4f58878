import type { ChatMessage } from '#libs/contracts'
import { TaskError } from '#libs/kernel'
import type { Liquid } from 'liquidjs'
import { labelOf, type PromptTemplate } from './prompt-template.js'
import { makeVariables } from './prompt-variables.js'

interface TemplateInput {
  readonly variables: Readonly<Record<string, unknown>>
  readonly files: readonly { readonly name: string; readonly text: string }[]
}

/** Renders a parsed template. Every failure is a TaskError: none of them can succeed later. */
export class TemplateRenderer {
  constructor(private readonly engine: Liquid) {}

  render(template: PromptTemplate, { variables, files }: TemplateInput): ChatMessage[] {
    const label = labelOf(template)
    const scope = {
      ...makeVariables(template.variables, variables, label),
      files: Object.fromEntries(files.map(({ name, text }) => [name, text])),
    }
    return template.parts.map(({ role, parsed }) => {
      try {
        return { role, content: String(this.engine.renderSync(parsed, scope)).trim() }
      } catch (error) {
        throw describeFailure(error, label)
      }
    })
  }
}

/** The message of a Liquid error names the variable and the place in the template, never a value. */
function describeFailure(error: unknown, label: string): TaskError {
  const variable = undefinedVariableOf(error)
  if (variable !== undefined) {
    const hint = variable.startsWith('files.') ? 'give the task a file of this name' : 'give it in template.variables'
    return TaskError.invalid('template_variable_missing', `${label} needs ${variable}: ${hint}`)
  }
  return TaskError.invalid('template_invalid', `${label} could not be rendered: ${(error as Error).message.split('\n', 1)[0]}`)
}

function undefinedVariableOf(error: unknown): string | undefined {
  const cause = (error as { originalError?: { variableName?: unknown } }).originalError
  return typeof cause?.variableName === 'string' ? cause.variableName : undefined
}
