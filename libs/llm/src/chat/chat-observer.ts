import { TaskError } from '#libs/kernel'
import type { HttpResponse, ResponseObserver } from '../http/exchange.js'
import { ChatStreamCollector } from './chat-stream.collector.js'
import type { RequestIdCheck } from './request-id.check.js'

/**
 * Looks at an answer while it comes in: is it ours, and, where it is streamed, is it complete? So the end of a stream is known before
 * its connection ends, and the partial text when it breaks.
 */
export class ChatObserver implements ResponseObserver {
  /** Only while the response is a stream that can be read as it comes: undefined for JSON, errors and compressed streams. */
  stream: ChatStreamCollector | undefined

  constructor(
    private readonly requestId: string,
    private readonly idCheck: RequestIdCheck,
  ) {}

  start(status: number, headers: HttpResponse['headers']): TaskError | undefined {
    if (!this.idCheck.fits(this.requestId, headers['x-request-id'])) {
      return new TaskError('llm_bad_response', 'the answer carries the id of another request', { retryable: true })
    }
    const streamed = status >= 200 && status < 300 && headers['content-type']?.includes('event-stream') && !headers['content-encoding']
    if (streamed) this.stream = new ChatStreamCollector()
    return undefined
  }

  data(chunk: Buffer): 'more' | 'complete' {
    this.stream?.push(chunk)
    return this.stream?.done ? 'complete' : 'more'
  }
}
