import type { ChatMessage, TaskMessage } from '#libs/contracts'
import type { TaskType } from '../task-type.js'
import type { FileText } from './file-store.port.js'

export interface RenderedPrompt {
  readonly messages: readonly ChatMessage[]
  /** `name@version` where a template was used. */
  readonly promptVersion?: string
  /** An estimate, on the safe side. */
  readonly estimatedPromptTokens: number
}

/**
 * Makes the messages of a call from a task. Errors are TaskErrors with `template_*` and `prompt_too_large`. Only a pinned version that is
 * not here is retryable: while a release is rolled out, another replica may have it.
 */
export abstract class PromptRenderer {
  /** `files` are in the order of the task's files. `contextWindow` is in tokens: prompt and `maxTokens` together must fit. */
  abstract render(input: {
    readonly message: TaskMessage
    readonly type: TaskType
    readonly files: readonly (FileText & { readonly name: string })[]
    readonly contextWindow: number | undefined
    readonly maxTokens: number
    /** `name@version` to render with, whatever is the latest by now; undefined: the run has not been rendered before. */
    readonly pinnedVersion: string | undefined
  }): RenderedPrompt
  /** Is there such a template? Any version where none is named. */
  abstract hasTemplate(name: string, version?: number): boolean
  /** The text that the template of a task brings, in tokens, on the safe side; undefined: it has no template, or it is not here. */
  abstract estimateTemplateTokens(message: Pick<TaskMessage, 'template'>, type: Pick<TaskType, 'template'>): number | undefined
}

/** Checks an answer against the JSON Schema that its task or type brings. */
export abstract class OutputChecker {
  /** The parsed JSON. Throws TaskError `output_invalid` (not retryable) that names the first mismatches, never the text. */
  abstract check(text: string, schema: Readonly<Record<string, unknown>>): Promise<unknown>
}
