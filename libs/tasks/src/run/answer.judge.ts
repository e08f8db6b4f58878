import { Inject, Injectable } from '@nestjs/common'
import { FileStore, LlmClients, OutputChecker, TaskError, type RawAnswer } from '#libs/kernel'
import type { RunFacts, RunOutput, Verdict } from '../pipeline/verdict.js'
import { makeFailure } from '../pipeline/verdict.js'
import { runSettings, type RunSettings } from './run.settings.js'
import type { KnownTask } from './task.preparer.js'

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

  async judge(
    known: KnownTask,
    raw: RawAnswer,
    context: { readonly promptVersion?: string; readonly signal: AbortSignal },
  ): Promise<Verdict> {
    const { task, message, call } = known
    const told = {
      ...(context.promptVersion !== undefined && { promptVersion: context.promptVersion }),
      ...(message.metadata && { metadata: message.metadata }),
    }
    let facts: RunFacts = told
    try {
      const answer = this.clients.of(task.provider).parse(raw)
      const { text, model, finishReason, usage } = answer
      facts = { ...told, answer: { model, finishReason, usage, llmMs: raw.durationMs } }
      const json = call.responseSchema === undefined ? undefined : await this.checker.check(text, call.responseSchema)
      return { outcome: 'succeeded', facts, output: await this.makeOutput(known, text, json, context.signal) }
    } catch (error) {
      // Only a final error ends the run here, with what the answer has cost; the others are the retry interceptor's.
      if (error instanceof TaskError && !error.retryable) return makeFailure(error, facts)
      throw error
    }
  }

  private async makeOutput({ task }: KnownTask, text: string, json: unknown, signal: AbortSignal): Promise<RunOutput> {
    const body = Buffer.byteLength(text) > this.settings.inlineAnswerBytes ? Buffer.from(text) : undefined
    if (!body) return { text, ...(json !== undefined && { json }) }
    const outputRef = await this.files.putAnswer(`${task.tenant}/${task.acceptedOn}/${task.taskId}/${task.run}.txt`, body, signal)
    return { outputRef }
  }
}
