import type { HttpResponse, ResponseObserver } from '../http/exchange.js'
import { ChatStreamCollector } from './chat-stream.collector.js'

/** Reads a streamed answer while it comes in, so that its end is known before the connection ends, and the partial text if it breaks. */
export class ChatObserver implements ResponseObserver {
  /** Only while the response is a stream that can be read as it comes: undefined for JSON, errors and compressed streams. */
  stream: ChatStreamCollector | undefined

  start(status: number, headers: HttpResponse['headers']): void {
    const streamed = status >= 200 && status < 300 && headers['content-type']?.includes('event-stream') && !headers['content-encoding']
    if (streamed) this.stream = new ChatStreamCollector()
  }

  data(chunk: Buffer): 'more' | 'complete' {
    this.stream?.push(chunk)
    return this.stream?.done ? 'complete' : 'more'
  }
}
