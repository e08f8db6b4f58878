const MAX_INTEGER = 2_147_483_647

/** PostgreSQL's text cannot hold NUL. */
export function makeStorableText(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u{FFFD}') : text
}

/** A count that somebody else names: as `integer`, or null where it is no count. What a provider says must not keep a task from ending. */
export function makeStorableCount(count: number | undefined): number | null {
  if (count === undefined || !Number.isFinite(count) || count < 0) return null
  return Math.min(Math.round(count), MAX_INTEGER)
}
