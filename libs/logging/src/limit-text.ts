const MAX_TEXT = 2_048

/** A text that fits a log line. */
export function limitText(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (${text.length} characters)`
}
