/** Of prompts and answers: every prompt for the simulator names its task like this, and every answer says it again. */
const PROMPT_MARK = '[[task:'
/** An access token in a header. */
const CREDENTIALS = /\b(?:Bearer|Basic) +[\w.~+/=-]{16,}/i

/** The first line that holds a prompt, an answer or a token; undefined where none does. */
export function findLeak(text: string): string | undefined {
  return text.split('\n').find((line) => line.includes(PROMPT_MARK) || CREDENTIALS.test(line))
}
