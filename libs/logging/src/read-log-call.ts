/** What a call of Nest's logger says. */
export interface LogCall {
  readonly message: string
  readonly fields: Record<string, unknown>
}

const STACK = /\n\s+at /

/**
 * Nest's logger takes anything: texts, errors, objects, a stack, and the context as the last text. All of it becomes one line: the first
 * text is the message, objects are fields, an error is the field `error`.
 */
export function readLogCall(parts: readonly unknown[]): LogCall {
  const fields: Record<string, unknown> = {}
  const texts: string[] = []
  for (const part of parts) {
    if (part instanceof Error) fields.error = part
    else if (typeof part === 'object' && part !== null) Object.assign(fields, part)
    else if (typeof part === 'string' && STACK.test(part)) fields.stack = part
    else if (typeof part === 'string') texts.push(part)
    else if (typeof part === 'number' || typeof part === 'boolean' || typeof part === 'bigint') texts.push(String(part))
  }
  if (parts.length > 1 && typeof parts.at(-1) === 'string') fields.context = texts.pop()
  const [message = describeWithoutText(fields), ...rest] = texts
  if (rest.length > 0) fields.more = rest
  return { message, fields }
}

function describeWithoutText({ error }: Record<string, unknown>): string {
  return error instanceof Error ? error.message : 'no message'
}
