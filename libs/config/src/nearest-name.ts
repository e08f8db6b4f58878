const MAX_LENGTH = 64

/** The known name that a person most likely meant, for "did you mean". undefined where nothing is near. */
export function findNearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH) return undefined
  const wanted = normalise(name)
  const limit = Math.ceil(wanted.length / 3)
  let best: string | undefined
  let bestDistance = limit + 1
  for (const candidate of known) {
    const distance = editDistance(wanted, normalise(candidate))
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** `maxTokens`, `max-tokens` and `MAX_TOKENS` all mean `max_tokens`. */
function normalise(name: string): string {
  return name.toLowerCase().replaceAll(/[_.-]/g, '')
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const substituted = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[right.length]!
}
