const MAX_BYTES = 1_024

/** Why a text is not an object key that Sluice touches, or undefined. S3 would take most of these, and file systems behind it not. */
export function findKeyProblem(key: string): string | undefined {
  if (key === '') return 'is empty'
  if (Buffer.byteLength(key) > MAX_BYTES) return `is longer than ${MAX_BYTES} bytes`
  if (!key.isWellFormed()) return 'is not valid Unicode'
  if (hasControlCharacters(key)) return 'has control characters'
  if (key.includes('\\')) return 'has a backslash'
  if (key.startsWith('/')) return 'begins with "/"'
  if (key.split('/').some((segment) => segment === '..' || segment === '.')) return 'has "." or ".." between slashes'
  return undefined
}

/** `inputs` and `inputs/` both cover `inputs/a`, and neither covers `inputs2/a`. The empty prefix covers everything. */
export function isBelowPrefix(key: string, prefix: string): boolean {
  if (prefix === '' || prefix.endsWith('/')) return key.startsWith(prefix)
  return key.startsWith(`${prefix}/`)
}

function hasControlCharacters(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true
  }
  return false
}
