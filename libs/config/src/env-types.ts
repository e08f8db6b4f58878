import { z } from 'zod'

/** Schemas of settings as they stand in the environment: texts. */
const TRUE = ['true', '1', 'yes', 'on']
const FALSE = ['false', '0', 'no', 'off']

export function envInteger({ min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}) {
  return z.string().transform((text, context) => {
    const value = /^-?\d+$/.test(text.trim()) ? Number(text) : Number.NaN
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value
    context.addIssue({ code: 'custom', message: `must be a whole number from ${min} to ${max} (got "${text}")` })
    return z.NEVER
  })
}

export function envBoolean() {
  return z.string().transform((text, context) => {
    const value = text.trim().toLowerCase()
    if (TRUE.includes(value)) return true
    if (FALSE.includes(value)) return false
    context.addIssue({ code: 'custom', message: `must be true or false (got "${text}")` })
    return z.NEVER
  })
}

/** A comma-separated list without empty items. */
export function envList() {
  return z.string().transform((text, context) => {
    const items = text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
    if (items.length > 0) return items
    context.addIssue({ code: 'custom', message: `must be a comma-separated list (got "${text}")` })
    return z.NEVER
  })
}

export function envUrl(...protocols: readonly string[]) {
  return z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    // The value may carry a password, so it is not shown.
    message: `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  })
}
