export interface SseEvent {
  /** `message` where the stream names none. */
  readonly event: string
  readonly data: string
}

/**
 * Server-sent events from bytes cut at any place, in the middle of a UTF-8 character too.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, without `id` and `retry`, which say only
 * how to reconnect. As there, an event that is not ended by an empty line is dropped.
 */
export class SseParser {
  /** Drops a byte order mark at the start. */
  private readonly decoder = new TextDecoder()
  private rest = ''
  /** The last piece ended with CR: an LF that follows belongs to it. */
  private afterCr = false
  private event = ''
  private data: string[] = []

  /** The events that this piece has completed. */
  push(bytes: Uint8Array): SseEvent[] {
    const events: SseEvent[] = []
    let text = this.decoder.decode(bytes, { stream: true })
    if (text === '') return events
    if (this.afterCr && text.startsWith('\n')) text = text.slice(1)
    this.afterCr = text.endsWith('\r')
    if (!/[\r\n]/.test(text)) {
      // Splitting again and again would make one endless line cost the square of its length.
      this.rest += text
      return events
    }
    const lines = (this.rest + text).split(/\r\n|\r|\n/)
    this.rest = lines.pop() ?? ''
    for (const line of lines) this.line(line, events)
    return events
  }

  private line(line: string, events: SseEvent[]): void {
    if (line === '') {
      if (this.data.length > 0) events.push({ event: this.event || 'message', data: this.data.join('\n') })
      this.event = ''
      this.data = []
      return
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') this.data.push(value)
    else if (field === 'event') this.event = value
  }
}
