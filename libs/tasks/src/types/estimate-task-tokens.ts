import type { TaskMessage } from '#libs/contracts'
import { estimateMessageTokens, estimateTokens } from '#libs/kernel'

/** The size of a file is known only when it is read: about 12 KiB of text are taken for each. */
const TOKENS_PER_FILE = 4_096
/** Of a template that is only on other replicas yet. */
const TOKENS_PER_TEMPLATE = 256

/** Estimates the prompt of a task before anything is rendered or read, for admission; `ofTemplate` is what its template brings, where that is known. */
export function estimateTaskTokens({ prompt, messages, template, files }: TaskMessage, ofTemplate: number | undefined): number {
  const ofFiles = (files?.length ?? 0) * TOKENS_PER_FILE
  if (messages !== undefined) return ofFiles + estimateMessageTokens(messages)
  if (template !== undefined)
    return ofFiles + (ofTemplate ?? TOKENS_PER_TEMPLATE) + estimateTokens(JSON.stringify(template.variables ?? {}))
  return ofFiles + (ofTemplate ?? 0) + estimateMessageTokens([{ content: prompt ?? '' }])
}
