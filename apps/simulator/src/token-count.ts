/** Cheap and deterministic: the documentation says that a token is 3-4 characters. */
const CHARACTERS_PER_TOKEN = 3.5

export function countTokens(characters: number): number {
  return characters === 0 ? 0 : Math.ceil(characters / CHARACTERS_PER_TOKEN)
}

/** The longest length in characters that still counts as so many tokens. */
export function charactersOfTokens(tokens: number): number {
  return Math.floor(tokens * CHARACTERS_PER_TOKEN)
}
