/** A comma-separated choice; all of them where nothing is given. */
export function choose<T extends string>(flag: string, text: string | undefined, known: readonly T[]): readonly T[] {
  if (text === undefined) return known
  return text.split(',').map((name) => {
    const found = known.find((candidate) => candidate === name.trim())
    if (found === undefined) throw new Error(`${flag} knows ${known.join(', ')} (got "${name}")`)
    return found
  })
}

export function readPositive(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(value > 0)) throw new Error(`${flag} must be a positive number (got "${text}")`)
  return value
}
