/** A server that did not start: why, where its log is, and the end of it. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError'

  constructor(
    readonly title: string,
    readonly reason: string,
    readonly logFile: string,
    readonly logTail: string,
  ) {
    super(`${title} did not start: ${reason}\n  log: ${logFile}${logTail ? `\n${indent(logTail)}` : ' (empty)'}`)
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, '  | ')
}
