import { Inject, Injectable } from '@nestjs/common'
import {
  CallObserver,
  classifyError,
  Ledger,
  LlmClients,
  TaskError,
  type CallReport,
  type KeptAnswer,
  type LlmAnswer,
  type LlmClient,
  type MaybePaidPolicy,
  type OpenAttempt,
  type SendResult,
  type TaskContext,
} from '#libs/kernel'
import type { RunResult, Verdict } from '../pipeline/verdict.js'
import { makeFailure } from '../pipeline/verdict.js'
import { AnswerJudge } from './answer.judge.js'
import { runSettings, type RunSettings } from './run.settings.js'
import { TaskPreparer, type KnownTask } from './task.preparer.js'

/** A task that is ready to be sent. */
interface ReadyTask extends KnownTask {
  readonly client: LlmClient
  readonly messages: Parameters<LlmClient['send']>[0]['messages']
  /** Prompt and answer together. */
  readonly estimatedTokens: number
}

/** A call that is over; what its answer says is not known yet. */
type SentCall = Omit<CallReport, 'answer' | 'cost'>

/** How a call of it ended. */
interface Settlement {
  readonly ready: ReadyTask
  readonly attempt: OpenAttempt
  readonly sent: SentCall
}

/**
 * The use case: one claimed task, from its stored message to a verdict. It pays at most once in each call: the attempt was committed
 * before (by the claim or by openAttempt), and the answer is committed before it is looked at. Errors are thrown as TaskErrors and become
 * deferrals or failures in the pipeline.
 */
@Injectable()
export class TaskRunner {
  constructor(
    private readonly ledger: Ledger,
    private readonly clients: LlmClients,
    private readonly preparer: TaskPreparer,
    private readonly judge: AnswerJudge,
    private readonly observer: CallObserver,
    @Inject(runSettings.KEY) private readonly settings: RunSettings,
  ) {}

  async run(context: TaskContext): Promise<RunResult> {
    const { task } = context
    const poison = this.refusePoison(context)
    if (poison) return poison
    const known = this.preparer.recognise(task)
    if (task.storedAnswer) return this.judgeAnswer(context, known, { attemptId: task.storedAnswer.attemptId, kept: task.storedAnswer })
    const refusal = this.refuseToSend(context, known)
    if (refusal) return refusal
    const client = this.clients.of(task.provider)
    const contextWindow = client.contextWindow(task.model)
    context.enter('prepare')
    using prompt = await context.inTime((signal) => this.preparer.render(known, contextWindow, signal))
    context.promptVersion = prompt.promptVersion
    const estimatedTokens = prompt.estimatedPromptTokens + known.call.params.max_tokens
    const ready: ReadyTask = { ...known, client, messages: prompt.messages, estimatedTokens }
    const attempt = context.attempt ?? (await this.openAttempt(context, { countsAttempt: true, estimatedTokens: ready.estimatedTokens }))
    if (!attempt) return { outcome: 'gone' }
    return await this.send(context, ready, attempt)
  }

  /** Before anything is done with it, be it to read its message or to judge a stored answer: that may be what kills the worker. */
  private refusePoison(context: TaskContext): Verdict | undefined {
    const { crashes } = context.task
    if (crashes < this.settings.maxCrashes) return undefined
    const error = TaskError.invalid('poison', `the worker died ${crashes} times while it ran this task and no other suspect`)
    this.endUnsent(context, error)
    return makeFailure(error)
  }

  /** Reasons not to call at all: too many attempts, or a call that may have been paid for and must not be repeated. */
  private refuseToSend(context: TaskContext, { type, call }: KnownTask): RunResult | undefined {
    const { task, attempts } = context
    if (attempts > type.maxAttempts) {
      const error = TaskError.invalid('max_attempts', `all ${type.maxAttempts} attempts have been used`)
      this.endUnsent(context, error)
      return makeFailure(error)
    }
    // Only a worker that died leaves this undecided: otherwise the policy was applied when the attempt ended.
    const rules = { policy: call.onMaybePaid, max: type.maxMaybePaid }
    if (task.attempt !== null || task.maybePaid === 0 || mayRepeat(task.maybePaid, rules)) return undefined
    return this.judgeMaybePaid(task.maybePaid, { ...rules, error: TaskError.unavailable('maybe_paid', 'the worker died during the call') })
  }

  private endUnsent(context: TaskContext, error: TaskError): void {
    if (context.attempt && !context.attemptEnd) context.attemptEnd = { attemptId: context.attempt.id, state: 'not_sent', error }
  }

  private async openAttempt(
    context: TaskContext,
    options: { countsAttempt: boolean; estimatedTokens: number },
  ): Promise<OpenAttempt | null> {
    await context.acquireStream()
    context.checkDeadline()
    const { metering, progress } = context
    const attempt = await this.ledger.openAttempt(context.task, { ...options, ...progress, ...(metering && { metering }) })
    context.bookEnd()
    context.attemptEnd = undefined
    context.attempt = attempt
    if (attempt && options.countsAttempt) context.attempts++
    return attempt
  }

  private async send(context: TaskContext, ready: ReadyTask, attempt: OpenAttempt): Promise<RunResult> {
    const sent = await this.call(context, ready, attempt)
    const { result } = sent
    if (!isTokenRefused(result) || context.task.freeAttemptUsed) return this.settle(context, { ready, attempt, sent })
    // The token was refused and has been thrown away: once a run the next attempt opens at once on the same stream.
    this.observer.observe(sent)
    this.endAttempt(context, attempt, result)
    const next = await this.openAttempt(context, { countsAttempt: false, estimatedTokens: ready.estimatedTokens })
    if (!next) return { outcome: 'gone' }
    return this.settle(context, { ready, attempt: next, sent: await this.call(context, ready, next) })
  }

  private async call(context: TaskContext, ready: ReadyTask, attempt: OpenAttempt): Promise<SentCall> {
    context.checkMaySend()
    const startedAtMs = context.nowMs
    context.enter('call')
    const result = await this.sendOnce(context, ready, attempt)
    const { task } = context
    const { params } = ready.call
    const { messages, type } = ready
    const { traceparent, nowMs: endedAtMs } = context
    return { task, attempt, params, messages, stream: type.stream, traceparent, startedAtMs, endedAtMs, result }
  }

  private async sendOnce(context: TaskContext, { client, messages, call, type }: ReadyTask, attempt: OpenAttempt): Promise<SendResult> {
    const { task, signal } = context
    try {
      return await client.send(
        {
          attemptId: attempt.id,
          model: task.model,
          messages,
          params: call.params,
          stream: type.stream,
          checkMaySend: () => context.checkMaySend(),
          ...(call.responseSchema && { responseSchema: call.responseSchema }),
        },
        signal,
      )
    } catch (error) {
      // A defect of the client: nobody knows what it has written.
      return { kind: 'maybe_paid', error: classifyError(error) }
    }
  }

  private async settle(context: TaskContext, { ready, attempt, sent }: Settlement): Promise<RunResult> {
    const { result } = sent
    context.releaseStream(result.kind === 'answered' ? { kind: result.kind } : { kind: result.kind, error: result.error })
    if (result.kind === 'answered') {
      context.enter('record')
      const { promptVersion } = context
      const kept: KeptAnswer = { ...result.answer, ...(promptVersion !== undefined && { promptVersion }) }
      const failure = await this.record(context, attempt, kept)
      if (failure) {
        this.observer.observe({ ...sent, result: { kind: 'maybe_paid', error: failure } })
        return this.settleMaybePaid(context, { ready, attempt, result: { kind: 'maybe_paid', error: failure } })
      }
      context.attempt = null
      context.hasAnswer = true
      return this.judgeSent(context, ready, { sent, kept })
    }
    this.observer.observe(sent)
    if (result.kind === 'maybe_paid') return this.settleMaybePaid(context, { ready, attempt, result })
    this.endAttempt(context, attempt, result)
    throw result.error
  }

  /** The same of an answer that has just come, of which the observer is told as well. */
  private async judgeSent(
    context: TaskContext,
    known: KnownTask,
    { sent, kept }: { sent: SentCall; kept: KeptAnswer },
  ): Promise<RunResult> {
    let answer: LlmAnswer | undefined
    try {
      return await this.judgeAnswer(context, known, { attemptId: sent.attempt.id, kept, onRead: (read) => (answer = read) })
    } finally {
      const cost = answer?.usage && context.costOf(answer.usage)
      this.observer.observe({ ...sent, ...(answer && { answer }), ...(cost !== undefined && { cost }) })
    }
  }

  /** What an answer has cost is booked whatever it is worth. */
  private async judgeAnswer(
    context: TaskContext,
    known: KnownTask,
    { attemptId, kept, onRead }: { attemptId: string; kept: KeptAnswer; onRead?: (answer: LlmAnswer) => void },
  ): Promise<RunResult> {
    context.enter('judge')
    const verdict = await this.judge.judge(known, kept, context.signal, onRead)
    context.book({ attemptId, usage: 'facts' in verdict ? verdict.facts.answer?.usage : undefined, wasNotSent: false })
    return verdict
  }

  /** An answer that cannot be kept was paid for: it must not look like a call that was never sent. */
  private record({ task }: TaskContext, attempt: OpenAttempt, answer: KeptAnswer): Promise<TaskError | undefined> {
    return this.ledger.recordAnswer(task, attempt, answer).then(() => undefined, classifyError)
  }

  private settleMaybePaid(
    context: TaskContext,
    { ready, attempt, result }: Pick<Settlement, 'ready' | 'attempt'> & { readonly result: Extract<SendResult, { kind: 'maybe_paid' }> },
  ): RunResult {
    this.endAttempt(context, attempt, result)
    return this.judgeMaybePaid(context.task.maybePaid + 1, {
      policy: ready.call.onMaybePaid,
      max: ready.type.maxMaybePaid,
      error: result.error,
    })
  }

  private endAttempt(context: TaskContext, attempt: OpenAttempt, result: Exclude<SendResult, { kind: 'answered' }>): void {
    const shared = { attemptId: attempt.id, error: result.error }
    switch (result.kind) {
      case 'not_sent':
        context.attemptEnd = { ...shared, state: 'not_sent' }
        return
      case 'refused':
        context.attemptEnd = {
          ...shared,
          state: 'refused',
          httpStatus: result.answer.status,
          excerpt: result.answer.body.toString('utf8', 0, 2_000),
        }
        return
      case 'maybe_paid':
        context.attemptEnd = { ...shared, state: 'maybe_paid', ...(result.partial !== undefined && { excerpt: result.partial }) }
        return
      case 'answer_too_large':
        // It was paid for, but there is nothing to keep.
        context.attemptEnd = { ...shared, state: 'answered', excerpt: `an answer of more than ${result.sizeBytes} bytes was cut off` }
    }
  }

  /** `times` counts the ends as maybe_paid of this run, this one included. */
  private judgeMaybePaid(times: number, { policy, max, error }: MaybePaidCase): RunResult {
    if (policy === 'hold') return { outcome: 'held', code: 'maybe_paid', reason: 'maybe_paid' }
    if (mayRepeat(times, { policy, max })) return { outcome: 'repeat', error }
    const message = `${times} calls broke off after they were sent and may have been paid for: ${error.message}`
    return makeFailure(new TaskError('maybe_paid', message, { retryable: false, cause: error }))
  }
}

interface MaybePaidCase {
  readonly policy: MaybePaidPolicy
  readonly max: number
  readonly error: TaskError
}

function isTokenRefused(result: SendResult): result is Extract<SendResult, { kind: 'refused' }> {
  return result.kind === 'refused' && result.error.code === 'llm_unauthorized'
}

function mayRepeat(times: number, { policy, max }: Pick<MaybePaidCase, 'policy' | 'max'>): boolean {
  return policy === 'retry' && times <= max
}
