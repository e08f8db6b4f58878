import type { ChatMessage, TaskMessage } from '#libs/contracts'
import { estimateMessageTokens, PromptRenderer, TaskError, type RenderedPrompt, type TaskType } from '#libs/kernel'
import { Injectable } from '@nestjs/common'
import { appendFiles } from './append-files.js'
import { checkMessages } from './check-messages.js'
import { PromptCatalog } from './prompt-catalog.js'
import { labelOf, type PromptTemplate } from './prompt-template.js'
import { TemplateRenderer } from './template-renderer.js'

type RenderInput = Parameters<PromptRenderer['render']>[0]

interface Draft {
  readonly messages: readonly ChatMessage[]
  readonly template?: PromptTemplate
}

/** Makes the messages of a call from a plain prompt, from messages or from a template, and checks their size before anything is paid. */
@Injectable()
export class PromptService extends PromptRenderer {
  constructor(
    private readonly catalog: PromptCatalog,
    private readonly renderer: TemplateRenderer,
  ) {
    super()
  }

  override render(input: RenderInput): RenderedPrompt {
    const { messages: drafted, template } = this.draft(input)
    const rest = input.files.filter(({ name }) => template?.fileNames.has(name) !== true)
    // What is far too large is not worth the work of making blocks of it.
    if (rest.length > 0) checkSize(estimateMessageTokens(rest.map(({ text }) => ({ content: text }))), input)
    const messages = checkMessages(appendFiles(drafted, rest))
    const estimatedPromptTokens = estimateMessageTokens(messages)
    checkSize(estimatedPromptTokens, input)
    return { messages, estimatedPromptTokens, ...(template && { promptVersion: labelOf(template) }) }
  }

  override hasTemplate(name: string, version?: number): boolean {
    return this.catalog.find(name, version) !== undefined
  }

  override estimateTemplateTokens(message: Pick<TaskMessage, 'template'>, type: Pick<TaskType, 'template'>): number | undefined {
    const wanted = message.template ?? type.template
    return wanted && this.catalog.find(wanted.name, wanted.version ?? versionOfType(wanted.name, type))?.estimatedTokens
  }

  private draft(input: RenderInput): Draft {
    const { message, type, files } = input
    const template = this.choose(input)
    if (template === undefined) return { messages: message.messages ?? [{ role: 'user', content: message.prompt ?? '' }] }
    if (message.messages !== undefined) throw TaskError.invalid('invalid_message', `messages: the task type ${type.name} has a template`)
    return { template, messages: this.renderer.render(template, { variables: variablesOf(message), files }) }
  }

  /** A run that was rendered before keeps its version, whatever its type says by now. */
  private choose({ message, type, pinnedVersion }: RenderInput): PromptTemplate | undefined {
    if (pinnedVersion !== undefined) return this.catalog.getPinned(pinnedVersion)
    const wanted = message.template ?? type.template
    return wanted && this.catalog.get(wanted.name, wanted.version ?? versionOfType(wanted.name, type))
  }
}

function versionOfType(name: string, { template }: Pick<TaskType, 'template'>): number | undefined {
  return template?.name === name ? template.version : undefined
}

/** A prompt that is sent to a type with a template is its variable `prompt`. */
function variablesOf({ template, prompt }: TaskMessage): Readonly<Record<string, unknown>> {
  return template?.variables ?? (prompt === undefined ? {} : { prompt })
}

function checkSize(estimate: number, { contextWindow, maxTokens }: RenderInput): void {
  if (contextWindow === undefined || estimate + maxTokens <= contextWindow) return
  throw TaskError.invalid(
    'prompt_too_large',
    `the prompt has about ${estimate} tokens; with max_tokens ${maxTokens} that is more than the model's window of ${contextWindow}`,
    { estimatedPromptTokens: estimate, maxTokens, contextWindow },
  )
}
