import { Inject, Injectable } from '@nestjs/common'
import { FileStore, LlmClients, OutputChecker, TaskError, type KeptAnswer, type LlmAnswer } from '#libs/kernel'
import { makeAnswerName } from '../answers/answer-name.js'
import type { RunFacts, RunOutput, Verdict } from '../pipeline/verdict.js'
import { makeFailure } from '../pipeline/verdict.js'
import { runSettings, type RunSettings } from './run.settings.js'
import type { KnownTask } from './task.preparer.js'

/** Of one UTF-16 unit in JSON: \\u0000. */
const MAX_ESCAPED_BYTES = 6
/** Of the whole output in its event: the rest of the record must fit as well. */
const MAX_OUTPUT_BYTES = 800 * 1_024

/**
 * Decides what a received answer is worth. It is already stored, so whatever fails here is repaired from the stored bytes and never by
 * another call: a storage that is away defers the task, an answer that is not what was asked for fails it.
 */
@Injectable()
export class AnswerJudge {
  constructor(
    private readonly clients: LlmClients,
    private readonly checker: OutputChecker,
    private readonly files: FileStore,
    @Inject(runSettings.KEY) private readonly settings: RunSettings,
  ) {}

  /** Calls `onRead` with what the answer says, once that is known, whatever it is worth. */
  async judge(known: KnownTask, kept: KeptAnswer, signal: AbortSignal, onRead: (answer: LlmAnswer) => void = () => {}): Promise<Verdict> {
    const { task, message, call } = known
    const told = {
      ...(kept.promptVersion !== undefined && { promptVersion: kept.promptVersion }),
      ...(message.metadata && { metadata: message.metadata }),
    }
    let facts: RunFacts = told
    try {
      const answer = this.clients.of(task.provider).parse(kept)
      onRead(answer)
      const { text, model, finishReason, usage } = answer
      facts = { ...told, answer: { model, finishReason, usage, llmMs: kept.durationMs } }
      const json = call.responseSchema === undefined ? undefined : await this.checker.check(text, call.responseSchema)
      return { outcome: 'succeeded', facts, output: await this.makeOutput(known, text, json, signal) }
    } catch (error) {
      // Only a final error ends the run here, with what the answer has cost; the others are the retry interceptor's.
      if (error instanceof TaskError && !error.retryable) return makeFailure(error, facts)
      throw error
    }
  }

  private async makeOutput({ task }: KnownTask, text: string, json: unknown, signal: AbortSignal): Promise<RunOutput> {
    const output = { text, ...(json !== undefined && { json }) }
    if (this.fitsInline(output)) return output
    return { outputRef: await this.files.putAnswer(makeAnswerName(task), Buffer.from(text), signal) }
  }

  /** What counts is the size inside the event, where JSON may make six bytes of one. */
  private fitsInline(output: RunOutput & { text: string }): boolean {
    const limit = this.settings.inlineAnswerBytes
    if (output.json === undefined && output.text.length * MAX_ESCAPED_BYTES <= limit) return true
    if (Buffer.byteLength(output.text) > limit) return false
    return Buffer.byteLength(JSON.stringify(output)) <= MAX_OUTPUT_BYTES
  }
}
